// A tenant that keeps a secret and waits to be woken.
public class Neighbour implements Runnable {
    private static String secret;

    public Neighbour(String[] words) {
        secret = words[0];
    }

    public void run() {
        try {
            Thread.sleep(20000);
        } catch (InterruptedException woken) {
            System.out.println("the neighbour lives");
        }
    }
}
