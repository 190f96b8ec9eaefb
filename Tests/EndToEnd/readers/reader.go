// Reads bundles as Go's clients do, one path a line: how many certificates there are then, or `refused`.
// A certificate that cannot be parsed is passed over, and only a pool that gets none is refused.
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
