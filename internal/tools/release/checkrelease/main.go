// Command checkrelease looks into the files of a release and tells what is missing, too much, or other than it should be.
//
// usage: checkrelease REPOSITORY DIST VERSION
package main

import (
	"context"
	"fmt"
	"os"

	"github.com/kie-exporter/kie_exporter/internal/tools/release/contents"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: checkrelease REPOSITORY DIST VERSION")
		os.Exit(2)
	}
	s := contents.Source{Folder: os.Args[1], Version: os.Args[3]}
	if err := s.Release(context.Background(), os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
