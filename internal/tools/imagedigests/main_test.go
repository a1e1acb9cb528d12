package main

import (
	"fmt"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/crane"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/random"
)

// push puts an image of random content under a name and returns its digest.
func push(t *testing.T, name string) string {
	t.Helper()
	img, err := random.Image(64, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := crane.Push(img, name); err != nil {
		t.Fatal(err)
	}
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return digest.String()
}

func TestDigestsAreThoseOfTheRegistryAndNothingElseChanges(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	host := strings.TrimPrefix(server.URL, "http://")
	const format = `services:
  own:
    image: localhost/kie_exporter:0.1.0
  prometheus:
    image: %[1]s/prom/prometheus:v3.16.0%[2]s # a comment, so it is left alone
  grafana:
    image: %[1]s/grafana/grafana:13.2.3%[3]s
`
	file := filepath.Join(t.TempDir(), "compose.yaml")
	if err := os.WriteFile(file, fmt.Appendf(nil, format, host, "", ""), 0o600); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time with another image of that version
		digest := push(t, host+"/grafana/grafana:13.2.3")
		if err := run(t.Context(), []string{file}, io.Discard); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf(format, host, "", "@"+digest); string(got) != want {
			t.Errorf("got\n%swant\n%s", got, want)
		}
	}
}

func TestAnImageThatNobodyKnowsGetsNoDigest(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	text := "ARG GO_IMAGE=" + strings.TrimPrefix(server.URL, "http://") + "/library/golang:1.26.8\n"
	file := filepath.Join(t.TempDir(), "Dockerfile")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := run(t.Context(), []string{file}, io.Discard); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("no error that names the file: %v", err)
	}
	if got, err := os.ReadFile(file); err != nil || string(got) != text {
		t.Errorf("the file has become %q, %v", got, err)
	}
}
