// Two tenants in one JVM, each with a class loader of its own: neither can name the other's classes.
//   java Tenants FOLDER ATTACK SECRET FILE
import java.io.File;
import java.net.URL;
import java.net.URLClassLoader;

class Tenants {
    static Thread tenant(String folder, String name, String... words) throws Exception {
        URL[] here = {new File(folder).toURI().toURL()};
        ClassLoader own = new URLClassLoader(here, null);
        Object program = own.loadClass(name).getDeclaredConstructors()[0].newInstance((Object) words);
        Thread thread = new Thread((Runnable) program);
        thread.setContextClassLoader(own);
        return thread;
    }

    public static void main(String[] arguments) throws Exception {
        Thread neighbour = tenant(arguments[0], "Neighbour", arguments[2]);
        Thread intruder = tenant(arguments[0], "Intruder", arguments[1], arguments[3]);
        neighbour.start();
        while (neighbour.getState() != Thread.State.TIMED_WAITING) {
            Thread.sleep(1);
        }
        intruder.start();
        intruder.join();
        neighbour.interrupt();
        neighbour.join();
    }
}
