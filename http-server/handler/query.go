package handler

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"github.com/cloudwego/hertz/pkg/app"

	"github.com/pullchat/pullchat/http-server/reply"
	"github.com/pullchat/pullchat/internal/jsonobject"
)

// query returns one parameter of the query string; names are case-insensitive.
func query(c *app.RequestContext, wanted string) (found string) {
	c.QueryArgs().VisitAll(func(name, value []byte) {
		if len(value) > 0 && strings.EqualFold(string(name), wanted) {
			found = string(value)
		}
	})
	return found
}

func queryInt(name string, value []byte) (int64, error) {
	n, err := strconv.ParseInt(string(value), 10, 64)
	if err != nil {
		return 0, jsonobject.WrongType(name, jsonobject.WholeNumber)
	}
	return n, nil
}

func queryBool(name string, value []byte) (bool, error) {
	switch string(value) {
	case "true":
		return true, nil
	case "false":
		return false, nil
	}
	return false, jsonobject.WrongType(name, jsonobject.TrueOrFalse)
}

// KnownQuery refuses other query parameters than known in a request that changes something.
func KnownQuery(known []string) app.HandlerFunc {
	return func(_ context.Context, c *app.RequestContext) {
		if len(c.URI().QueryString()) == 0 {
			return
		}
		var names []string
		c.QueryArgs().VisitAll(func(name, _ []byte) { names = append(names, string(name)) })
		slices.Sort(names)
		if err := jsonobject.CheckNames("query parameter", names, known); err != nil {
			reply.Fail(c, err)
		}
	}
}

// numbers are whole numbers of the query string, and where they go. One that is missing stays as it is.
type numbers map[string]*int64

func (n numbers) read(c *app.RequestContext) error {
	for name, number := range n {
		asked := query(c, name)
		if asked == "" {
			continue
		}
		var err error
		if *number, err = queryInt(name, []byte(asked)); err != nil {
			return err
		}
	}
	return nil
}

// ask asks for a page, with the numbers that the query string gives. Where it fails, it answers and returns false.
func ask[Request, Page any](
	ctx context.Context, c *app.RequestContext, asked *Request, given numbers, of func(context.Context, Request) (Page, error),
) (page Page, ok bool) {
	err := given.read(c)
	if err == nil {
		page, err = of(ctx, *asked)
	}
	if err != nil {
		reply.Fail(c, err)
	}
	return page, err == nil
}
