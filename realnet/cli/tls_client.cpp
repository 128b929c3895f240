#include "realnet/cli/tls_client.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <array>
#include <cerrno>

namespace np2p::real {

namespace {

bool is_ip(const std::string& host) {
  std::array<unsigned char, 16> bytes{};
  return ::inet_pton(AF_INET, host.c_str(), bytes.data()) == 1 ||
         ::inet_pton(AF_INET6, host.c_str(), bytes.data()) == 1;
}

// Whom the certificate has to name.
bool expect(SSL* session, const std::string& host) {
  if (is_ip(host)) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host.c_str()) == 1;
  return SSL_set1_host(session, host.c_str()) == 1;
}

}  // namespace

void TlsClient::Free::operator()(ssl_ctx_st* context) const noexcept {
  SSL_CTX_free(context);
}
void TlsClient::Free::operator()(ssl_st* session) const noexcept {
  SSL_free(session);
}

Result<TlsClient> TlsClient::connect(int socket, const std::string& host, bool verify) {
  TlsClient made;
  made.context_.reset(SSL_CTX_new(TLS_client_method()));
  SSL_CTX* context = made.context_.get();
  if (context == nullptr) return error(ErrorCode::unavailable, "cannot be spoken to: OpenSSL does not start");
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_set_verify(context, verify ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  if (verify) SSL_CTX_set_default_verify_paths(context);
  made.session_.reset(SSL_new(context));
  SSL* session = made.session_.get();
  if (session == nullptr || SSL_set_fd(session, socket) != 1 || (verify && !expect(session, host))) {
    return error(ErrorCode::unavailable, "cannot be spoken to: OpenSSL does not start");
  }
  if (!is_ip(host)) SSL_set_tlsext_host_name(session, host.c_str());
  ERR_clear_error();
  if (SSL_connect(session) == 1) return made;
  const long verdict = SSL_get_verify_result(session);
  ERR_clear_error();
  if (verify && verdict != X509_V_OK) {
    return error(ErrorCode::forbidden, std::string("shows a certificate that nobody vouches for (") +
                                           X509_verify_cert_error_string(verdict) + "); --insecure takes any");
  }
  return error(ErrorCode::unavailable, "does not speak TLS; without -s it is http://");
}

bool TlsClient::write(std::string_view bytes) {
  ERR_clear_error();
  return SSL_write(session_.get(), bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size());
}

std::ptrdiff_t TlsClient::read(std::span<char> into) {
  ERR_clear_error();
  const int got = SSL_read(session_.get(), into.data(), static_cast<int>(into.size()));
  if (got > 0) return got;
  const int why = SSL_get_error(session_.get(), got);
  ERR_clear_error();
  if (why == SSL_ERROR_ZERO_RETURN) return 0;
  errno = why == SSL_ERROR_WANT_READ ? EAGAIN : ECONNRESET;
  return -1;
}

}  // namespace np2p::real
