/** Reads a reply without believing its shape: what is not as described is empty. */
export function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}
}

export function array(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** 0 when it is none: no id is 0. */
export function integer(value: unknown): number {
  return Number.isSafeInteger(value) ? (value as number) : 0
}
