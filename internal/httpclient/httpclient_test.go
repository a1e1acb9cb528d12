package httpclient

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	commoncfg "github.com/prometheus/common/config"

	"github.com/kie-exporter/kie_exporter/internal/settings"
)

// TestEverySettingOfTheClientIsReadOrRefused fails when a new version of prometheus/common has settings that we neither read nor refuse.
func TestEverySettingOfTheClientIsReadOrRefused(t *testing.T) {
	f := Formats("")
	for of, format := range map[reflect.Type]string{
		reflect.TypeFor[commoncfg.HTTPClientConfig](): "api_client list_client",
		reflect.TypeFor[commoncfg.Authorization]():    "authorization",
		reflect.TypeFor[commoncfg.BasicAuth]():        "basic_auth",
		reflect.TypeFor[commoncfg.TLSConfig]():        "tls",
		reflect.TypeFor[commoncfg.Header]():           "header",
	} {
		var want []string
		for _, field := range reflect.VisibleFields(of) {
			name, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
			if name != "" && !strings.HasSuffix(name, "_ref") { // references are for programs with a store of secrets
				want = append(want, name)
			}
		}
		slices.Sort(want)
		for name := range strings.FieldsSeq(format) {
			var got []string
			for _, setting := range f[name].(*settings.Struct).Settings {
				got = append(got, setting.Name)
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("%s: got %q, want %q", name, got, want)
			}
		}
	}
}
