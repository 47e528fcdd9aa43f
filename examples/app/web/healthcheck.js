// Run by Docker inside the container: what it prints is what `docker inspect`, and a failed deploy, shows.
try {
  const response = await fetch(`http://127.0.0.1:${process.env.PORT ?? 3000}/health`, {
    signal: AbortSignal.timeout(3000)
  })
  const body = (await response.text()).trim()
  if (!response.ok) throw new Error(`GET /health: ${response.status} ${body}`)
} catch (error) {
  console.error(error.cause?.message ?? error.message)
  process.exitCode = 1
}
