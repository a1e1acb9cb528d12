// Which type a field has.

package settings

import (
	"cmp"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/units"

	"github.com/kie-exporter/kie_exporter/internal/duration"
)

// typeOf returns the type of a field, by its tags and its type in Go.
func typeOf(field reflect.Type, tag reflect.StructTag, formats Formats) Type {
	format := tag.Get("format")
	switch {
	case field.Kind() == reflect.Slice:
		least, most := bounds(tag, "items")
		return &List{
			Item: typeOf(field.Elem(), reflect.StructTag(`format:"`+format+`"`), formats), Unique: tag.Get("unique") != "",
			Least: must(strconv.Atoi(cmp.Or(least, "0"))), Most: must(strconv.Atoi(cmp.Or(most, strconv.Itoa(math.MaxInt)))),
		}
	case field.Kind() == reflect.Map:
		return &Map{Key: named(tag.Get("key"), formats).(Text[string]), Value: typeOf(field.Elem(), reflect.StructTag(`format:"`+format+`"`), formats)}
	case format != "":
		return named(format, formats)
	}
	least, most := bounds(tag, "range")
	switch field {
	case reflect.TypeFor[time.Duration]():
		return durationType{must(duration.Parse(least)), must(duration.Parse(most)), tag.Get("or") == "0s"}
	case reflect.TypeFor[units.Base2Bytes]():
		return sizeType{must(parseSize(least)), must(parseSize(most))}
	}
	switch field.Kind() { //nolint:exhaustive // a declaration with another one is refused
	case reflect.String:
		return AnyText
	case reflect.Bool:
		return boolType{}
	case reflect.Int:
		return intType{must(strconv.Atoi(least)), must(strconv.Atoi(most))}
	case reflect.Float64:
		return floatType{must(parseFloat(least)), must(parseFloat(most))}
	case reflect.Struct:
		return declare(field, formats)
	case reflect.Pointer:
		return declare(field.Elem(), formats)
	}
	panic(fmt.Sprintf("a setting of type %s needs a format", field))
}

func named(format string, formats Formats) Type {
	t, ok := formats[format]
	if !ok {
		panic(fmt.Sprintf("there is no format %q", format))
	}
	return t
}

// bounds returns both sides of a tag such as 1..10.
func bounds(tag reflect.StructTag, key string) (least, most string) {
	least, most, _ = strings.Cut(tag.Get(key), "..")
	return least, most
}
