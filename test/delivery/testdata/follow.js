// Follows chats with the JavaScript client, the same way in Node and in a browser, and hands each message to `take`.
export async function follow({ Pullchat, url, transport, cursors, token, user, password, session, webSocket }, take) {
  const client = new Pullchat(url, { ...(token ? { token } : { session }), webSocket })
  while (password && !client.session) {
    try {
      await client.login(user, password)
    } catch (error) {
      if (!error.temporary) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  const following = client.follow(Object.keys(cursors), { cursors, transport })
  following.on('status', ({ state, reason }) => reason && console.error(state, reason.code, reason.message))
  for await (const message of following) await take(message)
}
