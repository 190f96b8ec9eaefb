// Reads bundles as Go's clients do, one path on each line, and prints the number of certificates, or `refused`. A
// certificate that cannot be parsed is skipped; only a pool without certificates is refused.
package main

import (
	"bufio"
	"crypto/x509"
	"fmt"
	"os"
)

func main() {
	for lines := bufio.NewScanner(os.Stdin); lines.Scan(); {
		text, err := os.ReadFile(lines.Text())
		pool := x509.NewCertPool()
		if err != nil || !pool.AppendCertsFromPEM(text) {
			fmt.Println("refused", err)
			continue
		}
		fmt.Println(len(pool.Subjects()))
	}
}
