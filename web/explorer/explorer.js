// The API explorer: Swagger UI over this server's own openapi.yaml. A login that is tried here, or of the page to chat on,
// is used for the requests after it.

const base = new URL('.', document.baseURI).href.replace(/\/$/, '')

/** The requests go to the server of this page, whatever servers the description names. */
const ownServer = () => ({
  statePlugins: { spec: { wrapActions: { updateJsonSpec: (original) => (spec) => original({ ...spec, servers: [{ url: base }] }) } } },
})

const ui = SwaggerUIBundle({
  url: 'openapi.yaml', dom_id: '#explorer', deepLinking: true, docExpansion: 'list', defaultModelsExpandDepth: 0, filter: true, validatorUrl: null,
  tryItOutEnabled: true, requestSnippetsEnabled: true, plugins: [ownServer],
  onComplete: () => use(kept()),
  responseInterceptor: (response) => {
    if (response.ok && /\/api\/(login|refresh)$/.test(new URL(response.url, base).pathname)) use(response.obj)
    return response
  },
})

/** The session of the page to chat on. */
function kept() {
  try {
    return JSON.parse(localStorage.getItem('pullchat-session'))
  } catch {
    return undefined
  }
}

function use(session) {
  if (!session?.access_token) return
  ui.preauthorizeApiKey('token', session.access_token)
  document.getElementById('who').textContent = `Requests are made as ${session.user}.`
}
