"""The gateway's face to browsers: its calls over HTTP and WebSocket, and the page. docs/web.md is what it says."""
