// Numbers, times and sizes, with what they may be at least and at most.

package settings

import (
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/alecthomas/units"
	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/internal/settings/document"
)

var errEmpty = errors.New("must not be empty")

// outside returns the problem of a value that is out of its range.
func outside(least, most, got string) error {
	return fmt.Errorf("must be %s to %s (got %s)", least, most, got)
}

// must returns a bound of a declaration, as a file would have it.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// intType is a whole decimal number.
type intType struct{ least, most string }

func (t intType) Read(d *Decoder, v document.Value, into reflect.Value) bool {
	s, ok := d.Scalar(v, "a whole number")
	if !ok {
		return false
	}
	n, err := strconv.Atoi(s)
	switch {
	case v.Tag() != "!!int" || err != nil:
		d.Report(v, "must be a whole number (got %s)", document.Quote(s))
		return false
	case n < must(strconv.Atoi(t.least)) || n > must(strconv.Atoi(t.most)):
		d.Report(v, "%s", outside(t.least, t.most, strconv.Itoa(n)))
		return false
	}
	into.SetInt(int64(n))
	return true
}

func (t intType) Show(from reflect.Value) (*yaml.Node, error) { return show(from.Int()) }
func (t intType) Word() string                                { return "whole number" }
func (t intType) Range() string                               { return t.least + " to " + t.most }
func (t intType) Schema() map[string]any {
	return map[string]any{"type": "integer", "minimum": must(strconv.Atoi(t.least)), "maximum": must(strconv.Atoi(t.most))}
}

// floatType is a number greater than 0.
type floatType struct{ least, most string }

func parseFloat(s string) (float64, error) { return strconv.ParseFloat(s, 64) }

func (t floatType) Read(d *Decoder, v document.Value, into reflect.Value) bool {
	s, ok := d.Scalar(v, "a number")
	if !ok {
		return false
	}
	f, err := parseFloat(s)
	switch {
	case v.Tag() != "!!int" && v.Tag() != "!!float" || err != nil: // .inf and .nan are errors too
		d.Report(v, "must be a number (got %s)", document.Quote(s))
	case f <= 0:
		d.Report(v, "must be greater than 0 (got %s)", document.Quote(s))
	case f < must(parseFloat(t.least)) || f > must(parseFloat(t.most)):
		d.Report(v, "%s", outside(t.least, t.most, document.Quote(s)))
	default:
		into.SetFloat(f)
		return true
	}
	return false
}

func (t floatType) Show(from reflect.Value) (*yaml.Node, error) { return show(from.Float()) }
func (t floatType) Word() string                                { return "number" }
func (t floatType) Range() string                               { return t.least + " to " + t.most }
func (t floatType) Schema() map[string]any {
	return map[string]any{"type": "number", "minimum": must(parseFloat(t.least)), "maximum": must(parseFloat(t.most))}
}

// ParseDuration reads a time with a unit, in the file and on the command line alike: 500ms, 30s, 1m30s, 1d.
func ParseDuration(s string) (time.Duration, error) {
	d, err := model.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("must be %s (got %s)", aDuration, document.Quote(s))
	}
	return time.Duration(d), nil
}

// FormatDuration writes a time as ParseDuration reads it.
func FormatDuration(d time.Duration) string { return model.Duration(d).String() }

const aDuration = "a time with a unit, such as 30s or 1m30s"

// durationType is a time with a unit; or is one that is allowed besides.
type durationType struct{ least, most, or string }

func (t durationType) Read(d *Decoder, v document.Value, into reflect.Value) bool {
	s, ok := d.Scalar(v, aDuration)
	if !ok {
		return false
	}
	got, err := ParseDuration(s)
	least, most := must(ParseDuration(t.least)), must(ParseDuration(t.most))
	switch {
	case err != nil:
	case t.or != "" && got == must(ParseDuration(t.or)):
	case t.or != "" && got > most:
		err = outside(t.or, t.most, document.Quote(s))
	case t.or != "" && got < least:
		err = outside(t.or+" or "+t.least, t.most, document.Quote(s))
	case got < least || got > most:
		err = outside(t.least, t.most, document.Quote(s))
	}
	if err != nil {
		d.Report(v, "%s", err)
		return false
	}
	into.SetInt(int64(got))
	return true
}

func (t durationType) Show(from reflect.Value) (*yaml.Node, error) {
	return show(FormatDuration(time.Duration(from.Int())))
}

func (t durationType) Word() string { return "time" }

func (t durationType) Range() string {
	if t.or != "" {
		return t.or + ", or " + t.least + " to " + t.most
	}
	return t.least + " to " + t.most
}

// Schema implements Leaf. A schema can't compare times; the pattern is that of model.ParseDuration.
func (t durationType) Schema() map[string]any {
	schema := map[string]any{
		"type": "string", "minLength": 1,
		"pattern": "^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$",
	}
	if t.least == "0s" || t.or == "0s" {
		schema["type"], schema["minimum"], schema["maximum"] = []string{"string", "integer"}, 0, 0
	}
	return schema
}

// sizeType is a number of bytes, with or without a unit. As for Prometheus, KB, MB and GB are KiB, MiB and GiB.
type sizeType struct{ least, most string }

const aSize = "a number of bytes, such as 64MiB"

func parseSize(s string) (units.Base2Bytes, error) {
	if document.Only(s, document.Digits) {
		s += "B"
	}
	return units.ParseBase2Bytes(s)
}

func (t sizeType) Read(d *Decoder, v document.Value, into reflect.Value) bool {
	s, ok := d.Scalar(v, aSize)
	if !ok {
		return false
	}
	switch n, err := parseSize(s); {
	case err != nil:
		d.Report(v, "must be %s (got %s)", aSize, document.Quote(s))
	case n < must(parseSize(t.least)) || n > must(parseSize(t.most)):
		d.Report(v, "%s", outside(t.least, t.most, document.Quote(s)))
	default:
		into.SetInt(int64(n))
		return true
	}
	return false
}

func (t sizeType) Show(from reflect.Value) (*yaml.Node, error) { return show(from.Interface()) }
func (t sizeType) Word() string                                { return "bytes" }
func (t sizeType) Range() string                               { return t.least + " to " + t.most }
func (t sizeType) Schema() map[string]any {
	return map[string]any{
		"type": []string{"string", "integer"}, "pattern": "^([0-9.]+([KMGTPE]i?)?B)+$|^[0-9]+$",
		"minimum": int64(must(parseSize(t.least))), "maximum": int64(must(parseSize(t.most))),
	}
}
