//go:build !unix

package pipe

import "errors"

// Make returns errors.ErrUnsupported: there are no pipes in this system's folders.
func Make(string) error { return errors.ErrUnsupported }
