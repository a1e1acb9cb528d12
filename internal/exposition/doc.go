// Package exposition answers scrapes. The series of single tasks, which are most of an answer, are kept as they are sent and
// made anew only where tasks have changed; everything else comes from registries through promhttp.
//
// # Answers
//
// An answer is a head of text and a body of kept parts:
//
//	what promhttp writes of the registries   scrape, groups, models, accounts, the process
//	for each metric of single tasks that has samples:
//	    its HELP and TYPE                     a part of the fixed rendering
//	    its lines of block 1, block 2, …      a part of each block's rendering
//	# EOF, in OpenMetrics                     the last part of the fixed rendering
//
// All lines of a metric come together, as both formats want it. The text format and OpenMetrics share all parts: samples of gauges are
// written alike in both. promhttp negotiates format and encoding, and its own "# EOF" is held back until the parts are written. Protobuf
// and name[] filters get nothing of this; they go through promhttp alone.
//
// # Blocks and renderings
//
// A block (view.Block) is a few to 1,024 tasks that never change. A rendering is what is sent of a block in one encoding: a part for
// each metric of single tasks, in the order of the collector's table, one after another in a single slice. A part has the end of its bytes
// there, the length of its text, and a checksum; a metric of which a block has no sample has an empty part. Renderings are kept in a form,
// one for deflate and one for zstd, by the block they are of. They are valid for one set of keys of the tasks' labels: with others all
// are made anew. Offsets and lengths are of 32 bits, which a block of 1,024 tasks never comes near: a task has about 1.5 KB of text.
//
// # gzip
//
// The answer is one gzip member, because many readers stop after the first. Its deflate stream is put together from pieces that were
// compressed apart, which works for these reasons:
//
//   - A part's stream is ended with a sync flush, an empty stored block. So it ends at a byte, and none of its blocks says that it is the last.
//   - It begins with an empty window, so it refers to nothing before it, whatever that is.
//   - The text of the registries is compressed as it comes, and flushed likewise before the first part. After it no text may come, since that
//     compressor's window would be of another past: Write after add is a fault.
//   - An empty block that says that it is the last, 03 00, ends the stream.
//
// The trailer has the CRC-32 of all text and its length modulo 2^32. A CRC is a remainder of polynomials over two elements, and for a text
// A followed by B of n bytes
//
//	crc(AB) = crc(A) · x^(8n) + crc(B)    modulo the polynomial of CRC-32
//
// (the ones that a CRC begins and ends with cancel each other out). So a part keeps crc(B) and x^(8n), which is found in log n steps, and
// putting parts together takes one product each. Numbers are reflected, as gzip has them: bit 31 is the coefficient of x^0.
//
// An answer without compression is these parts inflated one after the other. Text is not kept.
//
// # zstd
//
// Frames that follow one another are one content, so a part is a frame with its own checksum, and the text of the registries another.
//
// # What always holds
//
//   - An answer shows one moment: one snapshot, and the renderings of its very blocks.
//   - A rendering is never changed. So an answer under way holds no lock, and what it pins is what was let go of since it began.
//   - What is kept is of the latest blocks shown, and of nothing else: an older snapshot gets renderings that are made for it and dropped.
//   - A form that nobody asked for in ten minutes is empty; one that somebody did is brought up to date once a second at most, with a
//     tenth of a core.
//   - No error page has a part in it, and no part is written after an error.
package exposition
