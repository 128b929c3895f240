#include "realnet/net/tls.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "core/base/assert.h"

namespace np2p::real {

namespace {

using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;
using Certificate = std::unique_ptr<X509, decltype(&X509_free)>;

constexpr char kExporterLabel[] = "EXPORTER-np2p-hello-v1";

std::string openssl_reason() {
  const unsigned long code = ERR_get_error();
  ERR_clear_error();
  const char* reason = code == 0 ? nullptr : ERR_reason_error_string(code);
  return reason == nullptr ? "unknown TLS error" : reason;
}

// OpenSSL says little about a file that is not there or may not be read; the system says it better.
Status readable(const std::string& what, const std::string& path) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(path.c_str(), "rb"), std::fclose);
  if (file != nullptr) return {};
  return error(ErrorCode::unavailable, "cannot read " + what + " " + path + ": " + std::strerror(errno));
}

// The same neutral name in every certificate: it says nothing about the node.
Certificate self_signed(EVP_PKEY* key) {
  Certificate certificate(X509_new(), X509_free);
  NP2P_ASSERT(certificate != nullptr);
  X509_set_version(certificate.get(), X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -24L * 3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), 10L * 365 * 24 * 3600);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("node"), -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  if (X509_sign(certificate.get(), key, EVP_sha256()) == 0) certificate.reset();
  return certificate;
}

void common_options(SSL_CTX* context) {
  // A session is resumed nowhere (each connection proves its keys anew), so no tickets; idle sessions give their
  // buffers back; a moved write buffer is fine because what we pass is copied into records at once.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_verify(context, SSL_VERIFY_NONE, nullptr);
}

}  // namespace

Result<TlsContext> TlsContext::for_links() {
  TlsContext result(SSL_CTX_new(TLS_method()));
  SSL_CTX* context = result.context_;
  if (context == nullptr) return error(ErrorCode::unavailable, openssl_reason());
  common_options(context);
  SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  const Key key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  if (key == nullptr) return error(ErrorCode::unavailable, openssl_reason());
  const Certificate certificate = self_signed(key.get());
  if (certificate == nullptr || SSL_CTX_use_certificate(context, certificate.get()) != 1 ||
      SSL_CTX_use_PrivateKey(context, key.get()) != 1) {
    return error(ErrorCode::unavailable, openssl_reason());
  }
  return result;
}

Result<TlsContext> TlsContext::from_files(const std::string& certificate, const std::string& key) {
  for (const auto& [what, path] : {std::pair("the TLS certificate", certificate), std::pair("the TLS key", key)}) {
    if (Status status = readable(what, path); !status.ok()) return status.error();
  }
  TlsContext result(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = result.context_;
  if (context == nullptr) return error(ErrorCode::unavailable, openssl_reason());
  common_options(context);
  SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
  if (SSL_CTX_use_certificate_chain_file(context, certificate.c_str()) != 1) {
    return error(ErrorCode::unavailable, "cannot use TLS certificate " + certificate + ": " + openssl_reason());
  }
  if (SSL_CTX_use_PrivateKey_file(context, key.c_str(), SSL_FILETYPE_PEM) != 1) {
    return error(ErrorCode::unavailable, "cannot use TLS key " + key + ": " + openssl_reason());
  }
  return result;
}

TlsContext::TlsContext(TlsContext&& other) noexcept : context_(std::exchange(other.context_, nullptr)) {}
TlsContext& TlsContext::operator=(TlsContext&& other) noexcept {
  std::swap(context_, other.context_);
  return *this;
}
TlsContext::~TlsContext() {
  SSL_CTX_free(context_);
}

TlsSession::TlsSession(const TlsContext& context, Side side) : ssl_(SSL_new(context.native())) {
  NP2P_ASSERT(ssl_ != nullptr);
  BIO* in = BIO_new(BIO_s_mem());
  BIO* out = BIO_new(BIO_s_mem());
  NP2P_ASSERT(in != nullptr && out != nullptr);
  BIO_set_mem_eof_return(in, -1);
  SSL_set_bio(ssl_, in, out);
  if (side == Side::client) {
    SSL_set_connect_state(ssl_);
  } else {
    SSL_set_accept_state(ssl_);
  }
}

TlsSession::~TlsSession() {
  SSL_free(ssl_);
}

void TlsSession::note_error(int code) {
  const int reason = SSL_get_error(ssl_, code);
  if (reason == SSL_ERROR_WANT_READ || reason == SSL_ERROR_WANT_WRITE) return;
  state_ = reason == SSL_ERROR_ZERO_RETURN ? State::closed : State::failed;
  ERR_clear_error();
}

TlsSession::State TlsSession::advance() {
  if (state_ != State::handshaking) return state_;
  ERR_clear_error();
  const int code = SSL_do_handshake(ssl_);
  if (code == 1) {
    state_ = State::open;
  } else {
    note_error(code);
  }
  return state_;
}

TlsSession::State TlsSession::feed(ByteView cipher, ByteVec& plain) {
  while (!cipher.empty() && (state_ == State::handshaking || state_ == State::open)) {
    const auto part = cipher.first(std::min<std::size_t>(cipher.size(), 1u << 20));
    const int taken = BIO_write(SSL_get_rbio(ssl_), part.data(), static_cast<int>(part.size()));
    NP2P_ASSERT(taken == static_cast<int>(part.size()));
    cipher = cipher.subspan(part.size());
    if (state_ == State::handshaking) advance();
    if (state_ == State::open) read_plain(plain);
  }
  return state_;
}

void TlsSession::read_plain(ByteVec& plain) {
  constexpr std::size_t kRecord = 16 * 1024;
  while (state_ == State::open) {
    const std::size_t before = plain.size();
    plain.resize(before + kRecord);
    ERR_clear_error();
    const int got = SSL_read(ssl_, plain.data() + before, static_cast<int>(kRecord));
    plain.resize(before + static_cast<std::size_t>(std::max(got, 0)));
    if (got > 0) continue;
    note_error(got);
    return;
  }
}

void TlsSession::write(ByteView plain) {
  if (state_ != State::open || plain.empty()) return;
  ERR_clear_error();
  const int wrote = SSL_write(ssl_, plain.data(), static_cast<int>(plain.size()));
  if (wrote <= 0) note_error(wrote);
}

void TlsSession::close() {
  if (state_ == State::open) SSL_shutdown(ssl_);
  ERR_clear_error();
}

bool TlsSession::has_output() const noexcept {
  return BIO_ctrl_pending(SSL_get_wbio(ssl_)) > 0;
}

void TlsSession::take_output(ByteVec& out) {
  BIO* bio = SSL_get_wbio(ssl_);
  const std::size_t pending = BIO_ctrl_pending(bio);
  if (pending == 0) return;
  const std::size_t before = out.size();
  out.resize(before + pending);
  const int got = BIO_read(bio, out.data() + before, static_cast<int>(pending));
  NP2P_ASSERT(got == static_cast<int>(pending));
}

TlsSession::Exported TlsSession::exported() const {
  Exported secret{};
  const int ok = SSL_export_keying_material(ssl_, secret.data(), secret.size(), kExporterLabel,
                                            sizeof kExporterLabel - 1, nullptr, 0, 0);
  NP2P_ASSERT(ok == 1);
  return secret;
}

}  // namespace np2p::real
