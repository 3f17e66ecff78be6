// Bundles the page into dist, which http-server embeds. The same sources give the same bytes.
import { build } from 'esbuild'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

rmSync('dist', { recursive: true, force: true })
mkdirSync('dist')
const bundled = (...entryPoints) => build({
  entryPoints, bundle: true, minify: true, write: false, metafile: true, outdir: 'dist', format: 'esm', target: 'es2022',
  jsx: 'automatic', jsxImportSource: 'preact', legalComments: 'none', charset: 'utf8', absWorkingDir: process.cwd(),
  // The client's sources: its one dependency is resolved from here.
  alias: { pullchat: '../clients/js/src/index.ts', 'eventsource-parser': path.resolve('node_modules/eventsource-parser') },
})

/** Writes files under names that have a hash of their bytes, and answers these. */
const hashed = (files) => {
  const names = {}
  for (const file of files) {
    const { name, ext } = path.parse(file.path)
    const hash = createHash('sha256').update(file.contents).digest('hex').slice(0, 10)
    names[name + ext] = `${name}-${hash}${ext}`
    writeFileSync(`dist/${names[name + ext]}`, file.contents)
  }
  return names
}
const result = await bundled('src/app.tsx', 'src/style.css')
const names = hashed(result.outputFiles)
const admin = hashed((await bundled('admin/admin.tsx', 'admin/admin.css')).outputFiles)
cpSync('static', 'dist', { recursive: true })

// The API explorer: Swagger UI as it comes, already minified, and what sets it up. The service worker does not keep it.
const swagger = (name, mapped) => readFileSync(`node_modules/swagger-ui-dist/${name}`, 'utf8').replace(mapped, '\n')
const setup = await build({ entryPoints: ['explorer/explorer.js', 'explorer/explorer.css'], minify: true, write: false, outdir: 'dist', charset: 'utf8', target: 'es2022' })
const explorer = hashed([
  { path: 'swagger-ui.js', contents: swagger('swagger-ui-bundle.js', /\n?\/\/# sourceMappingURL=\S+\s*$/) },
  { path: 'swagger-ui.css', contents: swagger('swagger-ui.css', /\n?\/\*# sourceMappingURL=\S+ \*\/\s*$/) },
  ...setup.outputFiles,
])

/** Writes a page, with the names of its parts. */
const page = (from, to, names) =>
  writeFileSync(to, readFileSync(from, 'utf8').replace(/app\/([\w-]+\.(?:js|css))/g, (_, name) => `app/${names[name]}`))
page('explorer/docs.html', 'dist/docs.html', explorer)
page('admin/admin.html', 'dist/admin.html', admin)
page('index.html', 'dist/index.html', names)

// The service worker keeps these files, so its own bytes change with them.
const files = [...Object.values(names), ...readdirSync('static')].sort()
const version = createHash('sha256').update(Buffer.concat(files.map((name) => readFileSync(`dist/${name}`)))).digest('hex').slice(0, 10)
await build({
  entryPoints: ['worker/sw.ts'], bundle: true, minify: true, outfile: 'dist/sw.js', format: 'iife', target: 'es2022', legalComments: 'none', charset: 'utf8',
  define: { FILES: JSON.stringify(files), VERSION: JSON.stringify(version) },
})

// The licences of what is inside.
const packages = new Set(['swagger-ui-dist'])
for (const input of Object.keys(result.metafile.inputs)) {
  const found = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)
  if (found) packages.add(found[1])
}
const licences = [...packages].sort().map((name) => {
  const { version, license } = JSON.parse(readFileSync(`node_modules/${name}/package.json`, 'utf8'))
  const inside = name === 'swagger-ui-dist' ? ['NOTICE', 'swagger-ui-bundle.js.LICENSE.txt'].map((file) => readFileSync(`node_modules/${name}/${file}`, 'utf8').trim()).join('\n\n') : ''
  return `${name} ${version} (${license})\n\n${readFileSync(`node_modules/${name}/LICENSE`, 'utf8').trim()}\n${inside && '\n' + inside + '\n'}`
})
writeFileSync('dist/licences.txt', `The page of Pullchat contains these packages.\n\n${licences.join('\n' + '-'.repeat(72) + '\n\n')}`)
