package entry

// reader reads a struct in Thrift's binary protocol. After an error everything that it reads is empty.
type reader struct {
	rest  string
	err   error
	kind  byte // the type of the field that next has found
	field uint16
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.rest = ""
}

// next finds the next field. It returns false at the end of the struct, and after an error.
func (r *reader) next() bool {
	switch {
	case r.err != nil:
		return false
	case len(r.rest) > 0 && r.rest[0] == stop:
		r.rest = r.rest[1:]
		return false
	case len(r.rest) < fieldBytes:
		r.fail(errShort)
		return false
	}
	r.kind, r.field = r.rest[0], uint16(r.rest[1])<<8|uint16(r.rest[2])
	r.rest = r.rest[fieldBytes:]
	return true
}

// take returns the next n bytes.
func (r *reader) take(n int) string {
	if n < 0 || n > len(r.rest) {
		r.fail(errShort)
		return ""
	}
	taken := r.rest[:n]
	r.rest = r.rest[n:]
	return taken
}

func (r *reader) byte() byte {
	if taken := r.take(1); taken != "" {
		return taken[0]
	}
	return 0
}

// length reads how many bytes or elements follow.
func (r *reader) length() int {
	b := r.take(4)
	if b == "" {
		return 0
	}
	n := int(int32(uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])))
	if n < 0 || n > len(r.rest) { // an element has a byte at least
		r.fail(errShort)
		return 0
	}
	return n
}

// long reads an i64, count an i32.
func (r *reader) long() int64 {
	b := r.take(8)
	if b == "" {
		return 0
	}
	n := uint64(0)
	for i := range 8 {
		n = n<<8 | uint64(b[i])
	}
	return int64(n)
}

func (r *reader) count() int {
	b := r.take(4)
	if b == "" {
		return 0
	}
	return int(int32(uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])))
}

func (r *reader) text() string { return r.take(r.length()) }

// skip passes over a value. Every step takes a byte at least, so that no claim of many elements takes long.
func (r *reader) skip(kind byte, depth int) {
	switch kind {
	case boolType, byteType:
		r.take(1)
	case i16Type:
		r.take(2)
	case i32Type:
		r.take(4)
	case i64Type, doubleType:
		r.take(8)
	case stringType:
		r.text()
	case structType, listType, setType, mapType:
		if depth == 0 {
			r.fail(errDeep)
			return
		}
		r.skipAll(kind, depth-1)
	default:
		r.fail(errType)
	}
}

// skipAll skips the parts of a value.
func (r *reader) skipAll(kind byte, depth int) {
	if kind == structType {
		for r.next() {
			r.skip(r.kind, depth)
		}
		return
	}
	first, second := r.byte(), byte(0)
	if kind == mapType {
		second = r.byte()
	}
	for n := r.length(); n > 0 && r.err == nil; n-- {
		r.skip(first, depth)
		if kind == mapType {
			r.skip(second, depth)
		}
	}
}
