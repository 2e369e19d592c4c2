// Reads the length of an array. The experiment changes one byte of `length`, so that it keeps the
// number where the array was: a pointer out of thin air.
//   java Forge length ADDRESS      the length of an array of seven
//   java Forge past ADDRESS        reads past the end of an array
class Forge {
    static int length(int[] words, int address) {
        int kept = address;
        return words.length;
    }

    public static void main(String[] arguments) {
        int address = Integer.parseInt(arguments[1]);
        int[] seven = new int[7];
        if (arguments[0].equals("length")) {
            System.out.println(length(seven, address));
        } else {
            try {
                System.out.println(seven[seven.length + (address & 1)]);
            } catch (ArrayIndexOutOfBoundsException refusal) {
                System.out.println(refusal.getClass().getSimpleName());
            }
        }
    }
}
