// A tenant that looks for its neighbour's secret, reads a file of the host, or ends everything.
import java.lang.reflect.Field;
import java.nio.file.Files;
import java.nio.file.Paths;

public class Intruder implements Runnable {
    private final String attack;
    private final String file;

    public Intruder(String[] words) {
        attack = words[0];
        file = words[1];
    }

    private static String look() throws Exception {
        // The heap is one: whatever a thread holds on to can be reached from it.
        for (Thread thread : Thread.getAllStackTraces().keySet()) {
            ClassLoader loader = thread.getContextClassLoader();
            if (loader == null || loader == Intruder.class.getClassLoader()) {
                continue;
            }
            try {
                Field secret = loader.loadClass("Neighbour").getDeclaredField("secret");
                secret.setAccessible(true); // it is private
                if (secret.get(null) != null) {
                    return (String) secret.get(null);
                }
            } catch (ClassNotFoundException elsewhere) {
                continue;
            }
        }
        return "stopped: not found";
    }

    public void run() {
        try {
            if (attack.equals("memory")) {
                System.out.println(look());
            } else if (attack.equals("file")) {
                System.out.println(new String(Files.readAllBytes(Paths.get(file))).trim());
            } else {
                System.exit(0);
            }
        } catch (Exception refusal) {
            System.out.println("stopped: " + refusal.getClass().getSimpleName());
        }
    }
}
