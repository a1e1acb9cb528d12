// How settings are written whose type in Go doesn't say it: names, labels, URLs, ids, files.

package config

import (
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/kie-exporter/kie_exporter/internal/apikey"
	"github.com/kie-exporter/kie_exporter/internal/httpclient"
	"github.com/kie-exporter/kie_exporter/internal/keyfile"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/replicas"
	"github.com/kie-exporter/kie_exporter/internal/settings"
	"github.com/kie-exporter/kie_exporter/internal/settings/document"
	"github.com/kie-exporter/kie_exporter/internal/source/format"
	"github.com/kie-exporter/kie_exporter/internal/taskseries"
)

// What is wrong with a text. URLs and values of headers are not shown: they could hold a password.
var (
	errHTTPURL   = errors.New("must be a URL that begins with http:// or https:// and a host")
	errLabelName = errors.New("is no label name: it must be 1 to 64 letters, digits or _, and not begin with a digit or __")
)

// What a JSON Schema can say of a text.
var (
	nameForm       = map[string]any{"pattern": "^[A-Za-z0-9_.-]{1,64}$"}
	labelNameForm  = map[string]any{"pattern": "^(_?[A-Za-z][A-Za-z0-9_]*|_)$", "maxLength": 64}
	idForm         = map[string]any{"pattern": "^[^\\x00-\\x1f]+$", "maxLength": 128}
	labelValueForm = map[string]any{"pattern": "^[^\\x00-\\x1f]*$", "maxLength": 128}
)

// formats returns how settings are written. Relative paths start at dir.
func formats(dir string) settings.Formats {
	f := httpclient.Formats(dir)
	maps.Copy(f, replicas.Formats(dir))
	f["name"] = settings.Text[string]{What: "a name", Parse: name, Form: nameForm}
	f["label_name"] = settings.Text[string]{What: "a label name", Parse: labelName, Form: labelNameForm}
	f["label_value"] = settings.Text[string]{What: "a text", Parse: labelValue, Form: labelValueForm}
	f["task_id"] = settings.Text[string]{What: "a task id", Parse: taskID, Form: idForm}
	f["task_states"] = settings.Text[string]{What: "a text", Parse: taskseries.ParseStates, Form: map[string]any{"enum": []string{taskseries.AllStates, taskseries.CurrentState}}}
	f["task_metric"] = settings.Text[string]{
		What: "a metric", Parse: taskseries.ParseMetric, Noun: "metric or pattern", ID: func(s string) string { return s },
		Form: map[string]any{"pattern": "^[a-z_*]+$"},
	}
	f["endpoint"] = settings.Text[kie.Endpoint]{
		What: "an endpoint", Parse: endpoint, Shown: func(e kie.Endpoint) any { return e.Word() }, Form: map[string]any{"enum": kie.EndpointWords()},
	}
	f["file"] = settings.Text[File]{
		What: "a file pattern", Parse: func(s string) (File, error) { return listFile(dir, s) },
		Shown: func(f File) any { return f.Written }, ID: func(f File) string { return f.Written },
		Form: httpclient.OneLine,
	}
	f["key_file"], f["token_file"] = keyfile.Format(dir, "key", apikey.FromFile), keyfile.Format(dir, "token", apikey.TokenFromFile)
	f["base_url"] = settings.Text[*url.URL]{What: "a URL", Parse: baseURL, Shown: func(u *url.URL) any { return u.String() }, Form: httpclient.URI}
	f["list_url"] = settings.Text[*url.URL]{What: "a URL", Parse: listURL, Shown: shownURL, Form: httpclient.URI}
	return f
}

// name reads the name of an account or a group, which is a label value.
func name(s string) (string, error) {
	if len(s) > 64 || !document.Only(s, document.Letters+document.Digits+"_-.") {
		return "", fmt.Errorf("must be 1 to 64 letters, digits, _, - or . (got %s)", document.Quote(s))
	}
	return s, nil
}

// labelName reads the name of a label that is shown beside those of our own.
func labelName(s string) (string, error) {
	if len(s) > 64 || !document.Only(s, document.Letters+document.Digits+"_") || strings.HasPrefix(s, "__") || document.Only(s[:1], document.Digits) {
		return "", errLabelName
	}
	return s, nil
}

func labelValue(s string) (string, error) {
	if len(s) > 128 || !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return "", fmt.Errorf("must be at most 128 bytes without control characters (got %s)", document.Quote(s))
	}
	return s, nil
}

func taskID(s string) (string, error) {
	if !kie.ValidID(s) {
		return "", fmt.Errorf("must be 1 to 128 bytes of UTF-8 without control characters (got %s)", document.Quote(s))
	}
	return s, nil
}

func endpoint(s string) (kie.Endpoint, error) {
	e, ok := kie.EndpointNamed(s)
	if !ok {
		return 0, fmt.Errorf("must be one of %s (got %s)", strings.Join(kie.EndpointWords(), ", "), document.Quote(s))
	}
	return e, nil
}

// listFile reads a pattern of list files.
func listFile(dir, s string) (File, error) {
	_, err := filepath.Match(s, "")
	switch {
	case s == "":
		return File{}, settings.NotEmpty(s)
	case strings.ContainsFunc(s, unicode.IsControl):
		return File{}, fmt.Errorf("must not hold control characters (got %s)", document.Quote(s))
	case err != nil:
		return File{}, fmt.Errorf("is not a valid pattern (got %s)", document.Quote(s))
	}
	if err := format.CheckName(s); err != nil {
		return File{}, fmt.Errorf("%w (got %s)", err, document.Quote(s))
	}
	return File{Written: s, Path: resolvePattern(dir, s)}, nil
}

// resolvePattern makes a pattern start at the file's folder, whose own name is never taken for a pattern.
func resolvePattern(dir, pattern string) string {
	switch {
	case filepath.IsAbs(pattern) || dir == "":
		return pattern
	case format.IsGlob(pattern):
		dir = strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(dir)
	}
	return filepath.Join(dir, pattern)
}

// apiPath is the end of a path that is the API's own. Appended to, it leads to pages that are not the API.
var apiPath = regexp.MustCompile(`(?i)/+api/+v1(?:/+jobs(?:/+(?:recordInfo|createTask))?|/+chat(?:/+credit)?)?/*$`)

// baseURL reads the URL that the API's paths are appended to.
func baseURL(s string) (*url.URL, error) {
	u, err := httpURL(s)
	switch {
	case err != nil:
		return nil, err
	case u.User != nil:
		return nil, errors.New("must not hold a user name or password")
	case u.RawQuery != "" || u.ForceQuery || strings.Contains(s, "#"):
		return nil, errors.New("must not have a query or a fragment")
	case apiPath.MatchString(u.Path):
		return nil, fmt.Errorf("must not end in %s: the exporter appends the API's paths itself", apiPath.FindString(u.Path))
	}
	return u, nil
}

// listURL reads the URL of a list.
func listURL(s string) (*url.URL, error) {
	u, err := httpURL(s)
	if err == nil && strings.Contains(s, "#") {
		return nil, errors.New("must not have a fragment")
	}
	return u, err
}

// httpURL reads the URL of a server.
func httpURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || !httpclient.Absolute(u, "http", "https") {
		return nil, errHTTPURL
	}
	return u, nil
}

// shownURL returns a URL without what may be a secret in it: scheme and host are left. Some servers take a token for the user's
// name, others have one in the path.
func shownURL(u *url.URL) any {
	shown := url.URL{Scheme: u.Scheme, Host: u.Host}
	if u.User != nil {
		shown.User = url.User(httpclient.Hidden)
	}
	if u.Path != "" && u.Path != "/" {
		shown.Path = "/" + httpclient.Hidden
	}
	if u.RawQuery != "" {
		shown.RawQuery = httpclient.Hidden
	}
	return shown.String()
}
