//go:build !unix

package exposition

import "time"

// processorTime is not told here: benchmarks then say that scrapes took none.
func processorTime() time.Duration { return 0 }
