import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.CertificateFactory;

/** Reads bundles as Java does, one path a line: how many certificates there are then, or {@code refused} and why. */
public final class Reader {
  public static void main(String[] arguments) throws Exception {
    var lines = new BufferedReader(new InputStreamReader(System.in));
    for (String path = lines.readLine(); path != null; path = lines.readLine()) {
      var bytes = new ByteArrayInputStream(Files.readAllBytes(Path.of(path)));
      try {
        System.out.println(CertificateFactory.getInstance("X.509").generateCertificates(bytes).size());
      } catch (Exception | StackOverflowError error) {
        System.out.println("refused " + String.valueOf(error).replaceAll("\\s+", " "));
      }
    }
  }
}
