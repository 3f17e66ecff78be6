package gateway

// body is where in a request's body the connection is.
type body struct {
	at     part
	left   int64 // bytes of the body, or of the chunk
	digits int   // of the length of the chunk
}

// part is the part of a body that the next byte belongs to.
type part byte

const (
	noBody part = iota // it is over
	ofLength
	chunkSize
	chunkExtension
	chunkSizeEnd
	chunkData
	chunkDataCR
	chunkDataEnd
	trailerLine
	trailerName
	trailerValue
	trailerEnd
	lastEnd
)

// maxChunkDigits holds any length that an int64 has.
const maxChunkDigits = 15

// begin is called when a head is whole.
func (b *body) begin(h *head) {
	*b = body{}
	switch {
	case h.chunked:
		b.at = chunkSize
	case h.size > 0:
		b.at, b.left = ofLength, h.size
	}
}

// take reads on in the body. It moves the used bytes to the front, without the extensions of chunks and the trailer, which
// have no meaning here. The rest belongs to the next request.
func (b *body) take(came []byte) (kept, used int, f fault) {
	for used < len(came) && b.at != noBody {
		if b.at == ofLength || b.at == chunkData {
			n := int(min(b.left, int64(len(came)-used)))
			copy(came[kept:], came[used:used+n])
			kept, used, b.left = kept+n, used+n, b.left-int64(n)
			if b.left == 0 {
				b.at = after(b.at)
			}
			continue
		}
		c := came[used]
		used++
		keep, ok := b.step(c)
		if !ok {
			return kept, used, badChunk
		}
		if keep {
			came[kept] = c
			kept++
		}
	}
	return kept, used, ""
}

func after(data part) part {
	if data == chunkData {
		return chunkDataCR
	}
	return noBody
}

// step takes a byte that is not of the content.
func (b *body) step(c byte) (keep, ok bool) {
	switch b.at {
	case chunkSize:
		return b.stepSize(c)
	case chunkExtension:
		if c == '\r' {
			b.at = chunkSizeEnd
			return true, true
		}
		return false, !isControl(c)
	case chunkSizeEnd:
		b.at = chunkData
		if b.left == 0 {
			b.at = trailerLine
		}
		return true, c == '\n'
	case chunkDataCR:
		b.at = chunkDataEnd
		return true, c == '\r'
	case chunkDataEnd:
		b.at, b.digits = chunkSize, 0
		return true, c == '\n'
	case lastEnd:
		b.at = noBody
		return true, c == '\n'
	default:
		return b.stepTrailer(c)
	}
}

func (b *body) stepSize(c byte) (keep, ok bool) {
	if digit := hexValue(c); digit >= 0 {
		b.left = b.left<<4 | int64(digit)
		b.digits++
		return true, b.digits <= maxChunkDigits
	}
	if b.digits == 0 {
		return false, false
	}
	switch c {
	case '\r':
		b.at = chunkSizeEnd
		return true, true
	case ';', ' ', '\t':
		b.at = chunkExtension
		return false, true
	}
	return false, false
}

func (b *body) stepTrailer(c byte) (keep, ok bool) {
	switch b.at {
	case trailerLine:
		if c == '\r' {
			b.at = lastEnd
			return true, true
		}
		b.at = trailerName
		return false, isToken[c]
	case trailerName:
		if c == ':' {
			b.at = trailerValue
			return false, true
		}
		return false, isToken[c]
	case trailerValue:
		if c == '\r' {
			b.at = trailerEnd
			return false, true
		}
		return false, !isControl(c)
	default: // trailerEnd
		b.at = trailerLine
		return false, c == '\n'
	}
}
