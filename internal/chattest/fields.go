package chattest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"github.com/pullchat/pullchat/internal/chat"
)

// Fill sets every exported field of the struct that into points to, at any depth, to a value that is not its zero
// value. Two fields of one type get different values, except flags. A test that fills a struct, and compares the
// converted result, fails for a field that is added later and forgotten on the way.
func Fill(t testing.TB, into any) {
	t.Helper()
	next := int64(0)
	fill(t, reflect.ValueOf(into).Elem(), &next)
}

func fill(t testing.TB, v reflect.Value, next *int64) {
	t.Helper()
	*next++
	if v.Type() == reflect.TypeFor[json.RawMessage]() {
		v.SetBytes(fmt.Appendf(nil, `{"v":%d}`, *next))
		return
	}
	if v.Type() == reflect.TypeFor[chat.Object]() {
		v.SetString(fmt.Sprintf(`{"v":%d}`, *next))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString(fmt.Sprint("v", *next))
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(*next)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), next)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		for i := range v.Len() {
			fill(t, v.Index(i), next)
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				fill(t, v.Field(i), next)
			}
		}
	default:
		t.Fatalf("Fill does not know how to fill a %s: teach it in internal/chattest/fields.go", v.Type())
	}
}

// CheckFilled fails the test for each exported field of the struct from that is zero, at any depth. place is the function or the
// file that should have set it.
func CheckFilled(t testing.TB, place string, from any) {
	t.Helper()
	checkFilled(t, place, reflect.TypeOf(from).String(), reflect.ValueOf(from))
}

func checkFilled(t testing.TB, place, path string, v reflect.Value) {
	t.Helper()
	if v.IsZero() || v.Kind() == reflect.Slice && v.Len() == 0 {
		t.Errorf("%s does not set %s; CONTRIBUTING.md lists the places that a new field needs", place, path)
		return
	}
	switch v.Kind() {
	case reflect.Pointer:
		checkFilled(t, place, path, v.Elem())
	case reflect.Struct:
		for i := range v.NumField() {
			if field := v.Type().Field(i); field.IsExported() {
				checkFilled(t, place, path+"."+field.Name, v.Field(i))
			}
		}
	}
}

// CheckSent fails the test for each exported field of the struct that sent points to whose value is not in the field of got
// with the same name. Case is ignored: generated code writes Id.
func CheckSent(t testing.TB, place string, sent, got any) {
	t.Helper()
	from, to := reflect.ValueOf(sent).Elem(), reflect.ValueOf(got)
	for i := range from.NumField() {
		field := from.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		named := to.FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, field.Name) })
		if content := to.FieldByName("Content"); !named.IsValid() && content.IsValid() && !content.IsNil() {
			wanted := strings.TrimPrefix(field.Name, "Content") // of ContentType it is the Type
			named = content.Elem().FieldByNameFunc(func(name string) bool { return strings.EqualFold(name, wanted) })
		}
		if !named.IsValid() || !reflect.DeepEqual(plain(named), plain(from.Field(i))) {
			t.Errorf("%s does not carry %s.%s into %s; CONTRIBUTING.md lists the places that a new field needs", place, from.Type(), field.Name, to.Type())
		}
	}
}

// plain returns a value, and a JSON object in any of its types as a string.
func plain(v reflect.Value) any {
	switch value := v.Interface().(type) {
	case json.RawMessage:
		return string(value)
	case chat.Object:
		return string(value)
	}
	return v.Interface()
}
