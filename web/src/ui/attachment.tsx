import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import type { Message } from 'pullchat'
import { fileOf, urlOf, type File } from '../state/files'
import { attempt } from '../state/notices'
import { client } from '../state/session'
import { sizeText } from '../state/words'
import { Document } from './icons'

/** The file of a message: an image, a player, or a link that downloads it. */
export function Attachment({ of: m }: { of: Message }) {
  const file = fileOf(m)
  if (!file) return null
  const kind = m.content_type
  return kind === 'image' || kind === 'video' || kind === 'audio' ? <Media chat={m.chat} file={file} kind={kind} /> : <Download chat={m.chat} file={file} />
}

function Media({ chat, file, kind }: { chat: string; file: File; kind: 'image' | 'video' | 'audio' }) {
  const url = useSignal('')
  const failed = useSignal(false)
  useEffect(() => {
    urlOf(client, chat, file.id).then((found) => (url.value = found), () => (failed.value = true))
  }, [file.id])
  const props = { src: url.value, onError: () => (failed.value = true) }
  // Types that are not shown in place, such as SVG, come as downloads: the browser cannot show them here either.
  if (failed.value) return <Download chat={chat} file={file} />
  if (!url.value) return <span class={`attachment ${kind}`} />
  switch (kind) {
    case 'image':
      return (
        <a class="attachment image" href={url.value} target="_blank" rel="noopener noreferrer">
          <img {...props} alt={file.name} loading="lazy" decoding="async" />
        </a>
      )
    case 'video':
      return <video class="attachment video" {...props} controls preload="metadata" aria-label={file.name} />
    case 'audio':
      return <audio class="attachment audio" {...props} controls preload="metadata" aria-label={file.name} />
  }
}

function Download({ chat, file }: { chat: string; file: File }) {
  const open = () => attempt(async () => {
    const link = document.createElement('a')
    link.href = await urlOf(client, chat, file.id)
    link.rel = 'noopener noreferrer'
    link.target = '_blank'
    link.click()
  })
  return (
    <button type="button" class="attachment file" onClick={open}>
      <Document />
      <span>
        <bdi>{file.name}</bdi>
        <small>{sizeText(file.size)}</small>
      </span>
    </button>
  )
}
