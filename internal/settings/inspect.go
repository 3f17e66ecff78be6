package settings

import (
	"errors"
	"os"

	"github.com/alecthomas/kong"
)

// Finding is a result of Inspect for a setting. A Finding without a name is about the file.
type Finding struct {
	Setting
	Err error
}

// Inspect reads every setting that is given, and reports on each, where a start would end with the first fault. It says
// nothing about whether they fit together: parsing does.
func (s *Settings) Inspect(parser *kong.Kong, args []string) []Finding {
	ctx, err := kong.Trace(parser, args)
	if err == nil {
		err = ctx.Error
	}
	if err == nil {
		err = ctx.Reset()
	}
	if err != nil {
		return []Finding{{Err: err}}
	}
	if err := s.prepare(ctx); err != nil && len(s.faults) == 0 {
		return []Finding{{Err: err}}
	}
	var findings []Finding
	for _, flag := range active(ctx) {
		source, given := s.sources[flag]
		fault := s.faults[flag]
		if !isSetting(flag) || !given && fault == nil {
			continue
		}
		text, fromFile := s.values[flag]
		if variable, set := variableOf(flag); set && !fromFile {
			text = os.Getenv(variable)
			fault = errors.Join(fault, try(flag, text))
		}
		if flag.Tag.Has(secretTag) {
			text = masked(text)
		}
		findings = append(findings, Finding{Setting{Name: flag.Name, Value: text, Source: source}, fault})
	}
	return findings
}
