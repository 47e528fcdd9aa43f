/** `2026-11-22 15:04 UTC`; what is no time is left as it is. */
export function moment(time: number | string): string {
  const date = new Date(time)
  if (Number.isNaN(date.getTime())) return String(time)
  return `${date.toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
