// Command pictures makes PNG files smaller: it rounds colours to a quarter of the steps, which nobody sees and compresses better.
package main

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/png"
	"os"
)

// step is how far apart the levels of a colour are.
const step = 4

func main() {
	for _, path := range os.Args[1:] {
		if err := shrink(path); err != nil {
			fmt.Fprintln(os.Stderr, "pictures:", err)
			os.Exit(1)
		}
	}
}

func shrink(path string) (err error) {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	original, err := png.Decode(f)
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	if _, err := f.Seek(0, 0); err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	encoder := png.Encoder{CompressionLevel: png.BestCompression}
	return encoder.Encode(f, rounded(original))
}

func rounded(original image.Image) image.Image {
	bounds := original.Bounds()
	copied := image.NewRGBA(bounds)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			r, g, b, _ := original.At(x, y).RGBA()
			copied.SetRGBA(x, y, color.RGBA{level(r), level(g), level(b), 0xff})
		}
	}
	return copied
}

// level rounds a colour of 16 bits to one of 8.
func level(c uint32) uint8 {
	return uint8(min((c>>8+step/2)/step*step, 0xff))
}
