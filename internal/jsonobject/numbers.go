package jsonobject

import (
	"bytes"
	"strconv"
	"strings"
)

// plainIntegers returns valid JSON with the whole numbers in it that are written with a fraction or an exponent, like 10.0
// or 1.795e15, written plainly, where an int64 holds them. Clients whose language has one type of number write them so.
func plainIntegers(body []byte) (plain []byte, changed bool) {
	for i := 0; i < len(body); {
		switch c := body[i]; {
		case c == '"':
			end := i + 1
			for body[end] != '"' {
				if body[end] == '\\' {
					end++
				}
				end++
			}
			plain = append(plain, body[i:end+1]...)
			i = end + 1
		case c == '-' || c >= '0' && c <= '9':
			end := i + 1
			for end < len(body) && bytes.IndexByte([]byte("+-.eE0123456789"), body[end]) >= 0 {
				end++
			}
			number := string(body[i:end])
			if n, ok := wholeNumber(number); ok {
				number, changed = strconv.FormatInt(n, 10), true
			}
			plain = append(plain, number...)
			i = end
		default:
			plain = append(plain, c)
			i++
		}
	}
	return plain, changed
}

// farExponent is larger than the exponent of any number in a body, which may have as many digits as the body has bytes.
const farExponent = 1 << 30

// wholeNumber reads a number of JSON that has a fraction or an exponent, and is whole all the same.
func wholeNumber(number string) (n int64, ok bool) {
	mantissa, exponent := number, 0
	if at := strings.IndexAny(number, "eE"); at >= 0 {
		power, _ := strconv.Atoi(strings.TrimPrefix(number[at+1:], "+"))             // the nearest int where there is no such one
		mantissa, exponent = number[:at], max(-farExponent, min(farExponent, power)) // zero is zero with any
	} else if !strings.Contains(number, ".") {
		return 0, false
	}
	digits, negative := strings.CutPrefix(mantissa, "-")
	whole, fraction, _ := strings.Cut(digits, ".")
	digits = strings.TrimRight(whole+fraction, "0")
	zeros := exponent - len(fraction) + len(whole) + len(fraction) - len(digits)
	if digits = strings.TrimLeft(digits, "0"); digits == "" {
		return 0, true
	}
	if zeros < 0 || zeros > 18 {
		return 0, false
	}
	if negative {
		digits = "-" + digits
	}
	n, err := strconv.ParseInt(digits+strings.Repeat("0", zeros), 10, 64)
	return n, err == nil
}
