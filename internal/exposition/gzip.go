// gzip, in one member: readers that take a body for one stream stop after the first.

package exposition

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"io"

	"github.com/klauspost/compress/flate"
)

// level is that of everything we compress. Higher ones take two to five times as long, and save a tenth at the most.
const level = 1

// deflater implements packer. Each result ends with a sync flush and refers to nothing before it.
type deflater struct {
	to bytes.Buffer
	w  *flate.Writer
}

func newDeflater() packer {
	d := &deflater{}
	d.w = newFlateWriter(&d.to)
	return d
}

func newFlateWriter(to io.Writer) *flate.Writer {
	w, err := flate.NewWriter(to, level)
	if err != nil {
		panic(err) // the level is a valid one
	}
	return w
}

func (d *deflater) pack(to, text []byte) []byte {
	d.to.Reset()
	d.w.Reset(&d.to)
	_, _ = d.w.Write(text) // a buffer has no way to fail
	_ = d.w.Flush()
	return append(to, d.to.Bytes()...)
}

func (d *deflater) sum(text []byte) checksum {
	return checksum{crc: crc32.ChecksumIEEE(text), shift: shiftOf(len(text))}
}

// bufferSize is how much of a body is written at a time.
const bufferSize = 64 << 10

// checksum is the CRC-32 of some bytes, and what it takes to put them after others.
type checksum struct{ crc, shift uint32 }

// after returns the CRC of the bytes after others that have the given CRC.
func (s checksum) after(crc uint32) uint32 { return product(s.shift, crc) ^ s.crc }

// shiftOf returns x to the power of 8·n, modulo the polynomial of CRC-32: what a CRC is multiplied with when n bytes follow.
// Bit 31 is the coefficient of x to the power of 0.
func shiftOf(n int) uint32 {
	shift, square := uint32(1)<<31, uint32(1)<<(31-8)
	for ; n > 0; n >>= 1 {
		if n&1 == 1 {
			shift = product(shift, square)
		}
		square = product(square, square)
	}
	return shift
}

// product returns a·b modulo the polynomial of CRC-32.
func product(a, b uint32) (p uint32) {
	for ; a != 0; a <<= 1 {
		p ^= b & -(a >> 31)
		b = b>>1 ^ crc32.IEEE&-(b&1)
	}
	return p
}

// gzipBody writes a body as one member.
type gzipBody struct {
	w     *bufio.Writer
	flate *flate.Writer
	crc   uint32
	size  uint32 // modulo 2^32, as the format has it
	parts bool   // have begun
	begun bool
}

func newGzipBody() any {
	w := bufio.NewWriterSize(nil, bufferSize)
	return &gzipBody{w: w, flate: newFlateWriter(w)}
}

func (b *gzipBody) reset(w io.Writer) {
	b.w.Reset(w)
	b.flate.Reset(b.w)
	b.crc, b.size, b.parts, b.begun = 0, 0, false, false
}

// header has no name and no time, and says that the level was the fastest.
const header = "\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"

// lastBlock is an empty block of deflate that says that it is the last.
const lastBlock = "\x03\x00"

func (b *gzipBody) begin() {
	if !b.begun {
		b.begun = true
		_, _ = b.w.WriteString(header) // an error comes again at the next call
	}
}

// Write implements body.
func (b *gzipBody) Write(text []byte) (int, error) {
	b.begin()
	b.crc = crc32.Update(b.crc, crc32.IEEETable, text)
	b.size += uint32(len(text)) //nolint:gosec // modulo 2^32
	return b.flate.Write(text)
}

func (b *gzipBody) add(r *rendering, i int) error {
	if err := b.endText(); err != nil {
		return err
	}
	packed, p := r.part(i)
	b.crc = p.sum.after(b.crc)
	b.size += p.text
	_, err := b.w.Write(packed)
	return err
}

func (b *gzipBody) endText() error {
	if b.parts {
		return nil
	}
	b.parts = true
	b.begin()
	return b.flate.Flush()
}

func (b *gzipBody) close() error {
	if err := b.endText(); err != nil {
		return err
	}
	end := binary.LittleEndian.AppendUint32([]byte(lastBlock), b.crc)
	_, _ = b.w.Write(binary.LittleEndian.AppendUint32(end, b.size))
	return b.w.Flush()
}

// plainBody writes a body without compression. It inflates the parts one after the other.
type plainBody struct {
	w    *bufio.Writer
	in   bytes.Reader
	from io.ReadCloser // inflates in
}

func newPlainBody() any {
	b := &plainBody{w: bufio.NewWriterSize(nil, bufferSize)}
	b.from = flate.NewReader(&b.in)
	return b
}

func (b *plainBody) reset(w io.Writer) {
	b.w.Reset(w)
	b.in.Reset(nil)
}

// Write implements body.
func (b *plainBody) Write(text []byte) (int, error) { return b.w.Write(text) }

func (b *plainBody) add(r *rendering, i int) error {
	packed, p := r.part(i)
	b.in.Reset(packed)
	if err := b.from.(flate.Resetter).Reset(&b.in, nil); err != nil {
		return err
	}
	_, err := io.CopyN(b.w, b.from, int64(p.text))
	return err
}

func (b *plainBody) close() error { return b.w.Flush() }
