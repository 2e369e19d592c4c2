// The payload of the JVM rung: tells the time of its first instruction and waits for the end of its
// input. On Linux the JVM's nanoTime is CLOCK_MONOTONIC.
class Stamp {
    public static void main(String[] arguments) throws java.io.IOException {
        System.out.println(System.nanoTime());
        System.out.flush();
        System.in.read();
    }
}
