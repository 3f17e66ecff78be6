package chat

import "slices"

// An inbox is paged from the chat where something was said last to the one where nothing was for longest. Something is
// said in chats meanwhile: they move to the top. Three facts make pages that lose none of them:
//
//   - What moves after the first page stands above the mark, which was the newest position in the list then.
//   - What has not moved stands in its old order. The chats that were not shown yet are the last of these, as many as they
//     were at most: some may have moved, or have left the list.
//   - What has moved is shown when the rest has been, from the one that moved first on: one that moves once more is again
//     behind all others.
//
// So a cursor is the mark and how many chats were not shown yet; when none is left, the mark goes on through those that
// moved. Where nothing moves, every chat comes once. A chat that moved after it was shown comes again, and where others
// have moved or left, so may some that did not.
//
// Both are in one integer, which JavaScript reads exactly: 2^52, 15 bits of how many, and 37 bits of the mark, which is
// completed from the newest position in the list. That is right for a day and a half of what is said after the first page;
// a page that is asked for later may lack chats. A smaller cursor is a position, as earlier releases gave it, and as
// it still is where more than 32,767 chats are left: the page begins there.

const (
	markBits    = 37
	markSpan    = 1 << markBits
	pagedCursor = 1 << 52
	// manyLeft is how many chats a cursor counts.
	manyLeft = 1<<(52-markBits) - 1
)

// pageCursor is where an inbox goes on.
type pageCursor struct {
	mark int64 // a chat below it, or at it, has not moved since
	left int   // how many of them were not shown yet, the last ones
}

func (c pageCursor) encode() int64 {
	return pagedCursor | int64(c.left)<<markBits | c.mark%markSpan
}

// decodePageCursor is the reverse of encode. newest is the list's newest position. The mark is above it only where that
// chat has left the list; it is looked for up to an eighth of its span above.
func decodePageCursor(cursor, newest int64) pageCursor {
	highest := newest + markSpan/8
	return pageCursor{
		mark: highest - (highest-cursor%markSpan)%markSpan,
		left: int(cursor >> markBits & manyLeft),
	}
}

// markOf returns the mark of a first page. The chats were not all read at the same moment: one that was read first and
// moved then may stand below another one that moved before it was read. All that move after they were read stand at the
// earliest moment, or above.
func markOf(chats []listed) int64 {
	mark := chats[0].Position
	for _, c := range chats {
		if c.Read > 0 {
			mark = min(mark, c.Read-1)
		}
	}
	if chats[0].Position-mark > markSpan/2 { // by a clock that went back so far
		mark = chats[0].Position
	}
	return mark
}

// pageOf returns a page of what is sorted, newest first, and the cursor of the next one, or 0. Chats of one position are in
// one page, however many they are.
func pageOf(chats []listed, cursor int64, limit int) (page []listed, next int64) {
	if len(chats) == 0 {
		return nil, 0
	}
	begin, mark, paged := 0, int64(0), cursor >= pagedCursor
	if paged {
		at := decodePageCursor(cursor, chats[0].Position)
		mark, begin = at.mark, max(above(chats, at.mark), len(chats)-at.left)
	} else {
		mark = markOf(chats)
		if cursor > 0 {
			begin = above(chats, cursor)
		}
	}
	moved := above(chats, mark)
	if paged && begin == len(chats) {
		return movedPage(chats[:moved], limit)
	}
	end := begin + endOfPage(chats[begin:], limit)
	left := len(chats) - max(end, moved)
	switch {
	case left > manyLeft:
		next = chats[end].Position
	case left > 0, end < moved, paged && moved > 0:
		next = pageCursor{mark, left}.encode()
	}
	return chats[begin:end], next
}

// movedPage is a page of the chats that moved, of which those that moved first come first; in the page they are sorted as
// on any other. The cursor's mark is the last that is shown.
func movedPage(moved []listed, limit int) (page []listed, next int64) {
	backwards := slices.Clone(moved)
	slices.Reverse(backwards)
	end := endOfPage(backwards, limit)
	if end < len(moved) {
		next = pageCursor{mark: backwards[end-1].Position}.encode()
	}
	return moved[len(moved)-end:], next
}

// above returns how many chats stand above a position.
func above(chats []listed, position int64) int {
	if n := slices.IndexFunc(chats, func(c listed) bool { return c.Position <= position }); n >= 0 {
		return n
	}
	return len(chats)
}

// endOfPage returns where a page from the first chat on ends: not between two of one position.
func endOfPage(chats []listed, limit int) int {
	end := min(limit, len(chats))
	for end > 0 && end < len(chats) && chats[end].Position == chats[end-1].Position {
		end++
	}
	return end
}
