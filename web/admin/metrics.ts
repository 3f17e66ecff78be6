// Reads the text format of Prometheus: https://prometheus.io/docs/instrumenting/exposition_formats/

export interface Series {
  name: string
  labels: Record<string, string>
  value: number
}

export interface Sample {
  at: number // milliseconds, on a clock that does not jump
  series: readonly Series[]
}

const line = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)/
const label = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g

export function parse(text: string): Series[] {
  const series = []
  for (const one of text.split('\n')) {
    const [, name, labels = '', value] = line.exec(one) ?? []
    if (!name) continue
    series.push({
      name, value: Number(value),
      labels: Object.fromEntries([...labels.matchAll(label)].map(([, key, given]) => [key!, given!.replace(/\\(.)/g, (_, c) => (c === 'n' ? '\n' : c))])),
    })
  }
  return series
}

/** The sum of the series with these labels. */
export function sum(sample: Sample, name: string, labels: Record<string, string> = {}): number {
  let total = 0
  for (const s of sample.series) if (s.name === name && Object.entries(labels).every(([key, value]) => s.labels[key] === value)) total += s.value
  return total
}

/** How much a counter grows in a second; undefined where it began anew, such as after a restart. */
export function rate(before: Sample, now: Sample, name: string, labels?: Record<string, string>): number | undefined {
  const grown = sum(now, name, labels) - sum(before, name, labels)
  return grown < 0 || now.at <= before.at ? undefined : (grown * 1000) / (now.at - before.at)
}
