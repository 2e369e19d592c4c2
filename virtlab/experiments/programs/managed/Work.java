// The same work as Work.cs and work.wat, for the JVM.
//   java Work corners            results where machines differ, one a line
//   java Work time N TIMES       the clock at the start, the digest, then the ns of each repetition
class Work {
    // How many steps each number from 1 to n takes to 1 (halved if even, else 3x + 1), as one hash.
    static int work(int n) {
        int digest = 0x811C9DC5;
        for (int start = 1; start <= n; start++) {
            long x = start;
            int steps = 0;
            while (x != 1) {
                x = (x & 1) == 0 ? x >> 1 : 3 * x + 1;
                steps++;
            }
            digest = (digest ^ steps) * 16777619;
        }
        return digest;
    }

    static int add(int a, int b) { return a + b; }
    static int divide(int a, int b) { return a / b; }
    static int remainder(int a, int b) { return a % b; }
    static int left(int a, int b) { return a << b; }
    static int right(int a, int b) { return a >>> b; }

    static long sum(int n) {
        double sum = 0;
        for (int i = 1; i <= n; i++) {
            sum += 1.0 / i;
        }
        return Double.doubleToRawLongBits(sum);
    }

    public static void main(String[] arguments) {
        long begun = System.nanoTime(); // on Linux this is CLOCK_MONOTONIC
        StringBuilder told = new StringBuilder();
        if (arguments[0].equals("corners")) {
            told.append(work(1000)).append('\n').append(add(2147483647, 1)).append('\n');
            told.append(divide(-7, 2)).append('\n').append(remainder(-7, 2)).append('\n');
            told.append(left(1, 33)).append('\n').append(right(-1, 28)).append('\n');
            told.append(sum(1000)).append('\n');
        } else {
            int n = Integer.parseInt(arguments[1]);
            long[] at = new long[Integer.parseInt(arguments[2]) + 1];
            int digest = 0;
            at[0] = System.nanoTime();
            for (int i = 1; i < at.length; i++) {
                digest = work(n);
                at[i] = System.nanoTime();
            }
            told.append(begun).append('\n').append(digest).append('\n');
            for (int i = 1; i < at.length; i++) {
                told.append(at[i] - at[i - 1]).append('\n');
            }
        }
        System.out.print(told);
    }
}
