package settings

import (
	"encoding"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// Setting is a value in effect.
type Setting struct {
	Name     string
	Value    string // masked for a secret
	Source   Source // "default" for a default
	Reloads  bool   // takes a new value without a restart
	compared string
}

// mask stands for a secret that is set.
const mask = "********"

// List returns the settings of the command that was parsed, in the order of its flags.
func (s *Settings) List(ctx *kong.Context) []Setting {
	reloads := map[*kong.Flag]bool{}
	for flag, beside := range s.byFile { // another file is another secret
		reloads[beside] = flag.Tag.Has(reloadTag)
	}
	var all []Setting
	for _, flag := range active(ctx) {
		if !isSetting(flag) {
			continue
		}
		text := format(flag.Target)
		setting := Setting{Name: flag.Name, Value: text, Source: "default", Reloads: flag.Tag.Has(reloadTag) || reloads[flag], compared: text}
		if source, given := s.sources[flag]; given {
			setting.Source = source
		}
		if flag.Tag.Has(secretTag) {
			setting.Value = masked(text)
		}
		all = append(all, setting)
	}
	return all
}

// masked hides a secret.
func masked(text string) string {
	if text == "" {
		return ""
	}
	return mask
}

func format(value reflect.Value) string {
	switch v := value.Interface().(type) {
	case fmt.Stringer:
		return v.String()
	case encoding.TextMarshaler:
		text, _ := v.MarshalText()
		return string(text)
	}
	if value.Kind() == reflect.Slice {
		var items []string
		for i := range value.Len() {
			items = append(items, format(value.Index(i)))
		}
		return strings.Join(items, ",")
	}
	if value.Kind() == reflect.Pointer {
		if value.IsNil() {
			return ""
		}
		return format(value.Elem())
	}
	return fmt.Sprint(value.Interface())
}

// Changed returns the settings of next that differ from those of before.
func Changed(before, next []Setting) []Setting {
	old := map[string]string{}
	for _, setting := range before {
		old[setting.Name] = setting.compared
	}
	var changed []Setting
	for _, setting := range next {
		if old[setting.Name] != setting.compared {
			changed = append(changed, setting)
		}
	}
	return changed
}

// Merge returns the settings in effect after a reload: those of next that reload, and those of before that do not.
func Merge(before, next []Setting) []Setting {
	merged := slices.Clone(next)
	for i, setting := range merged {
		at := slices.IndexFunc(before, func(b Setting) bool { return b.Name == setting.Name })
		if at >= 0 && !setting.Reloads {
			merged[i] = before[at]
		}
	}
	return merged
}
