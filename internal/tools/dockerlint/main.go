// Command dockerlint runs BuildKit's own checks of a Dockerfile, without a
// Docker engine or a registry. Any finding makes it fail.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/dockerfile2llb"
	"github.com/opencontainers/go-digest"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: dockerlint Dockerfile")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "dockerlint:", err)
		os.Exit(1)
	}
}

// run writes the findings of the Dockerfile at path to out. It returns an error
// if there are any, or if the file would not build at all.
func run(ctx context.Context, path string, out io.Writer) error {
	dockerfile, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	source := llb.NewSourceMap(nil, path, "Dockerfile", dockerfile)
	source.Definition = new(llb.Definition) // the linter panics without one
	result, err := dockerfile2llb.DockerfileLint(ctx, dockerfile, dockerfile2llb.ConvertOpt{
		SourceMap:    source,
		MetaResolver: anyImage{},
	})
	if err != nil {
		return err
	}
	if result.Error != nil {
		result.PrintErrorTo(out, nil)
		return errors.New("the file does not build")
	}
	if err := result.PrintTo(out, nil); err != nil {
		return err
	}
	if n := len(result.Warnings); n > 0 {
		return fmt.Errorf("%d warnings", n)
	}
	_, err = fmt.Fprintf(out, "dockerlint: %s passed\n", path)
	return err
}

// anyImage stands in for a registry: every image exists, with an empty configuration.
type anyImage struct{}

// ResolveImageConfig implements llb.ImageMetaResolver.
func (anyImage) ResolveImageConfig(_ context.Context, ref string, _ sourceresolver.Opt) (string, digest.Digest, []byte, error) {
	config := fmt.Appendf(nil, `{"os":"linux","architecture":%q}`, runtime.GOARCH)
	return ref, digest.FromBytes(config), config, nil
}
