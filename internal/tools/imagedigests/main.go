// Command imagedigests adds to each image that the given files name by version the digest that its registry has for that version
// now, or puts the present one in place of an older one. It needs the registries; what they do not tell is left as it is.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"github.com/google/go-containerregistry/pkg/crane"
)

func main() {
	if len(os.Args) < 2 {
		fmt.Fprintln(os.Stderr, "usage: imagedigests FILE…")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "imagedigests:", err)
		os.Exit(1)
	}
}

// image is a line of a compose file or a Dockerfile that names an image of a registry by version; localhost/ is nobody's registry.
var image = regexp.MustCompile(`(?m)^( *image: |ARG [A-Z_]+_IMAGE=)([a-z0-9.-]+[.:][a-z0-9.:-]*/[^\s:@]+:[^\s:@]+)(@sha256:[0-9a-f]{64})?$`)

// run pins all files, and returns what could not be looked up or written.
func run(ctx context.Context, files []string, out io.Writer) error {
	var problems []error
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			problems = append(problems, err)
			continue
		}
		pinned := image.ReplaceAllFunc(text, func(line []byte) []byte {
			part := image.FindSubmatch(line)
			digest, err := crane.Digest(string(part[2]), crane.WithContext(ctx))
			if err != nil {
				problems = append(problems, fmt.Errorf("%s: %w", file, err))
				return line
			}
			fmt.Fprintf(out, "%s: %s@%s\n", file, part[2], digest)
			return fmt.Appendf(nil, "%s%s@%s", part[1], part[2], digest)
		})
		if err := os.WriteFile(file, pinned, 0o644); err != nil { //nolint:gosec // as readable as the rest of a checkout
			problems = append(problems, err)
		}
	}
	return errors.Join(problems...)
}
