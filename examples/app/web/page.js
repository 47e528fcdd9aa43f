const escape = text => String(text).replace(/[&<>"']/g, character => `&#${character.charCodeAt(0)};`)

/** The one page of the guestbook, as HTML. */
export function page({ version, host, entries }) {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Guestbook</title>
<style>
  body { font: 16px/1.5 system-ui, sans-serif; max-width: 36rem; margin: 3rem auto; padding: 0 1rem }
  form { display: grid; gap: .5rem } footer { color: #666; margin-top: 2rem }
</style>
<h1>Guestbook</h1>
<form method="post" action="/entries">
  <input name="author" placeholder="Your name" aria-label="Your name">
  <textarea name="message" placeholder="Your message" aria-label="Your message" required></textarea>
  <button>Sign</button>
</form>
<ul>${entries.map(({ author, message }) => `<li><b>${escape(author)}</b>: ${escape(message)}</li>`).join('')}</ul>
<footer>version ${escape(version)}, answered by ${escape(host)}</footer>
</html>
`
}
