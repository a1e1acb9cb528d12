// Numbers, times and sizes, with what they may be at least and at most.

package settings

import (
	"fmt"
	"reflect"
	"strconv"
	"time"

	"github.com/alecthomas/units"
	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/internal/duration"
	"github.com/kie-exporter/kie_exporter/internal/settings/document"
)

// between says a range.
func between(least, most any) string { return fmt.Sprintf("%v to %v", least, most) }

// outside returns the problem of a value that is out of its range.
func outside(within string, got any) error { return fmt.Errorf("must be %s (got %v)", within, got) }

// must returns a bound of a declaration, as a file would have it.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// intType is a whole decimal number.
type intType struct{ least, most int }

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
	case n < t.least || n > t.most:
		d.Report(v, "%s", outside(t.Range(), n))
		return false
	}
	into.SetInt(int64(n))
	return true
}

func (t intType) Show(from reflect.Value) (*yaml.Node, error) { return show(from.Int()) }
func (t intType) Word() string                                { return "whole number" }
func (t intType) Range() string                               { return between(t.least, t.most) }
func (t intType) Schema() map[string]any {
	return map[string]any{"type": "integer", "minimum": t.least, "maximum": t.most}
}

// floatType is a number greater than 0.
type floatType struct{ least, most float64 }

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
	case f < t.least || f > t.most:
		d.Report(v, "%s", outside(t.Range(), document.Quote(s)))
	default:
		into.SetFloat(f)
		return true
	}
	return false
}

func (t floatType) Show(from reflect.Value) (*yaml.Node, error) { return show(from.Float()) }
func (t floatType) Word() string                                { return "number" }
func (t floatType) Range() string                               { return between(t.least, t.most) }
func (t floatType) Schema() map[string]any {
	return map[string]any{"type": "number", "minimum": t.least, "maximum": t.most}
}

// durationType is a time with a unit.
type durationType struct {
	least, most time.Duration
	off         bool // 0s is allowed, too
}

func (t durationType) Read(d *Decoder, v document.Value, into reflect.Value) bool {
	s, ok := d.Scalar(v, duration.What)
	if !ok {
		return false
	}
	got, err := duration.Parse(s)
	switch least, most := duration.Format(t.least), duration.Format(t.most); {
	case err != nil:
	case t.off && got > t.most:
		err = outside(between("0s", most), document.Quote(s))
	case t.off && got != 0 && got < t.least:
		err = outside("0s or "+between(least, most), document.Quote(s))
	case !t.off && (got < t.least || got > t.most):
		err = outside(between(least, most), document.Quote(s))
	}
	if err != nil {
		d.Report(v, "%s", err)
		return false
	}
	into.SetInt(int64(got))
	return true
}

func (t durationType) Show(from reflect.Value) (*yaml.Node, error) {
	return show(duration.Format(time.Duration(from.Int())))
}

func (t durationType) Word() string { return "time" }

func (t durationType) Range() string {
	within := between(duration.Format(t.least), duration.Format(t.most))
	if t.off {
		return "0s, or " + within
	}
	return within
}

// Schema implements Leaf. A schema can't compare times; the pattern is that of model.ParseDuration.
func (t durationType) Schema() map[string]any {
	schema := map[string]any{
		"type": "string", "minLength": 1,
		"pattern": "^(0|([0-9]+y)?([0-9]+w)?([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$",
	}
	if t.least == 0 || t.off {
		schema["type"], schema["minimum"], schema["maximum"] = []string{"string", "integer"}, 0, 0
	}
	return schema
}

// sizeType is a number of bytes, with or without a unit. As for Prometheus, KB, MB and GB are KiB, MiB and GiB.
type sizeType struct{ least, most units.Base2Bytes }

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
	case n < t.least || n > t.most:
		d.Report(v, "%s", outside(t.Range(), document.Quote(s)))
	default:
		into.SetInt(int64(n))
		return true
	}
	return false
}

func (t sizeType) Show(from reflect.Value) (*yaml.Node, error) { return show(from.Interface()) }
func (t sizeType) Word() string                                { return "bytes" }
func (t sizeType) Range() string                               { return between(t.least, t.most) }
func (t sizeType) Schema() map[string]any {
	return map[string]any{
		"type": []string{"string", "integer"}, "pattern": "^([0-9.]+([KMGTPE]i?)?B)+$|^[0-9]+$",
		"minimum": int64(t.least), "maximum": int64(t.most),
	}
}
