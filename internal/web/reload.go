// Reloading by HTTP.

package web

import (
	"context"
	"net/http"
)

// Reload answers 200 after a reload, and 500 with the reasons if there was none.
func Reload(reload func(context.Context) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := reload(r.Context()); err != nil {
			writeText(w, http.StatusInternalServerError, "The configuration can't be loaded, the one before stays in force:\n"+err.Error())
			return
		}
		writeText(w, http.StatusOK, "Configuration loaded.")
	})
}

// Forbidden answers 403 and says why.
func Forbidden(why string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusForbidden, why) })
}
