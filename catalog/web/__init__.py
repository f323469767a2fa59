"""The catalog portal: server-rendered pages in Japanese and English, without JavaScript."""
