// Package openapi serves the document that describes all of /api/v1. Tests of internal/app hold it to what the handlers do.
package openapi

import (
	_ "embed"
	"net/http"
)

// Document is the description, as OpenAPI 3.1 has it.
//
//go:embed openapi.yaml
var Document []byte

// Register has the document served.
func Register(mux *http.ServeMux) {
	mux.HandleFunc("GET /api/v1/openapi.yaml", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/yaml")
		_, _ = w.Write(Document) // the client may be gone
	})
}
