package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"

	commoncfg "github.com/prometheus/common/config"
	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/internal/apikey"
)

const canary = "0123456789abcanary6789abcdef0123"

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestNothingPrintsASecret prints all that holds a key in all ways there are.
func TestNothingPrintsASecret(t *testing.T) {
	account := DefaultAccount()
	key, err := apikey.Static(canary)
	if err != nil {
		t.Fatal(err)
	}
	account.Key = key
	account.HTTPClient.ProxyConnectHeader = commoncfg.ProxyHeader{"X": {canary}}
	account.HTTPClient.TLSConfig.Key = canary
	if err := account.HTTPClient.ProxyURL.UnmarshalJSON([]byte(`"http://user:` + canary + `@proxy"`)); err != nil {
		t.Fatal(err)
	}
	config := &Config{Accounts: []Account{account}}
	hidden := struct {
		pointer *apikey.Key
		value   apikey.Key
	}{account.Key, *account.Key}

	for _, v := range []any{key, *key, []*apikey.Key{key}, map[string]apikey.Key{"a": *key}, hidden, &hidden, account, &account, *config, config} {
		for name, printed := range everyPrint(t, v) {
			if strings.Contains(printed, canary) {
				t.Errorf("%s of %T: %s", name, v, printed)
			}
		}
	}
	const secret = "<secret>"
	for name, printed := range everyPrint(t, key) {
		if !strings.Contains(strings.NewReplacer(`\u003c`, "<", `\u003e`, ">").Replace(printed), secret) {
			t.Errorf("%s: got %s, want %s", name, printed, secret)
		}
	}
}

func everyPrint(t *testing.T, v any) map[string]string {
	t.Helper()
	printed := map[string]string{}
	for _, verb := range "vsqxXdtbcoOUeEfFgG" {
		for _, flag := range []string{"", "+", "#", "-40", " "} {
			format := "%" + flag + string(verb)
			printed[format] = fmt.Sprintf(format, v)
		}
	}
	asJSON, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	asYAML, err := yaml.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	printed["JSON"], printed["YAML"] = string(asJSON), string(asYAML)
	var text, structured bytes.Buffer
	slog.New(slog.NewTextHandler(&text, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&structured, nil)).Info("x", "v", v)
	printed["slog text"], printed["slog JSON"] = text.String(), structured.String()
	if s, ok := v.(fmt.Stringer); ok {
		printed["String"] = s.String()
	}
	if s, ok := v.(fmt.GoStringer); ok {
		printed["GoString"] = s.GoString()
	}
	return printed
}
