# Ruby's net/http requests each URL once. Usage: client.rb URL…
require "net/http"
require "uri"

ARGV.each do |url|
  uri = URI(url)
  http = Net::HTTP.new(uri.hostname, uri.port)
  http.use_ssl = uri.scheme == "https"
  http.open_timeout = http.read_timeout = 10
  http.max_retries = 0
  http.get(uri.request_uri)
rescue StandardError => error
  warn "ruby #{url}: #{error.inspect}"
end
