//! Reads bundles as clients with rustls do, one path on each line, and prints the number of certificates, or `refused`.
//! A certificate that cannot be parsed is skipped, as by callers of rustls-native-certs with SSL_CERT_FILE.
use std::io::BufRead;

fn read(path: &str) -> Result<usize, String> {
    let file = std::fs::File::open(path).map_err(|error| error.to_string())?;
    let certificates =
        rustls_pemfile::certs(&mut std::io::BufReader::new(file)).map_err(|error| error.to_string())?;
    match rustls::RootCertStore::empty().add_parsable_certificates(&certificates) {
        (0, _) => Err("no certificate could be parsed".to_string()),
        (good, _) => Ok(good),
    }
}

fn main() {
    for path in std::io::stdin().lock().lines() {
        match read(&path.unwrap()) {
            Ok(count) => println!("{}", count),
            Err(error) => println!("refused {}", error),
        }
    }
}
