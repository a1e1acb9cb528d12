// zstd, in a frame for each part: frames that follow one another are one content.

package exposition

import (
	"bufio"
	"io"

	"github.com/klauspost/compress/zstd"
)

// framer implements packer.
type framer struct{ encoder *zstd.Encoder }

func newFramer() packer { return &framer{newEncoder(nil)} }

// newEncoder returns an encoder that starts no goroutines.
func newEncoder(w io.Writer) *zstd.Encoder {
	e, err := zstd.NewWriter(w, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1), zstd.WithLowerEncoderMem(true))
	if err != nil {
		panic(err) // the options are valid ones
	}
	return e
}

func (f *framer) pack(to, text []byte) []byte { return f.encoder.EncodeAll(text, to) }

// sum returns nothing: each frame has a checksum of its own.
func (f *framer) sum([]byte) checksum { return checksum{} }

// zstdBody writes a body: text as one frame, then those of the parts.
type zstdBody struct {
	w       *bufio.Writer
	encoder *zstd.Encoder
	open    bool // the frame of the text
}

func newZstdBody() any {
	return &zstdBody{w: bufio.NewWriterSize(nil, bufferSize), encoder: newEncoder(nil)}
}

func (b *zstdBody) reset(w io.Writer) {
	b.w.Reset(w)
	b.encoder.Reset(b.w)
	b.open = false
}

// Write implements body.
func (b *zstdBody) Write(text []byte) (int, error) {
	b.open = true
	return b.encoder.Write(text)
}

func (b *zstdBody) add(r *rendering, i int) error {
	if err := b.endText(); err != nil {
		return err
	}
	packed, _ := r.part(i)
	_, err := b.w.Write(packed)
	return err
}

func (b *zstdBody) endText() error {
	if !b.open {
		return nil
	}
	b.open = false
	return b.encoder.Close()
}

func (b *zstdBody) close() error {
	if err := b.endText(); err != nil {
		return err
	}
	return b.w.Flush()
}
