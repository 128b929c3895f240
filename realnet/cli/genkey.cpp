#include <cstdio>

#include "core/crypto/signer.h"
#include "realnet/cli/commands.h"
#include "realnet/data_dir.h"
#include "realnet/entropy.h"

namespace np2p::real {

namespace {

Signer fresh_key() {
  KernelEntropy entropy;
  for (;;) {  // all but 2^-128 of all draws are keys
    SecretKey secret;
    entropy.fill(secret.data);
    auto signer = Signer::from_secret(secret);
    if (signer.ok()) return std::move(signer).value();
  }
}

void print_as_original(const Signer& key) {
  std::printf(
      "Secret Key:\n%s\nSecret Key (In Hex Representation): \n%s\nPublic Key:\n%s\n"
      "Public key (In Hex Representation): \n%s\n\nPlease keep the secret key secret.\n"
      "The key is used only at NostrP2P client as your identity.\n",
      nsec(key.secret()).c_str(), key.secret().hex().c_str(), npub(key.public_key()).c_str(),
      key.public_key().hex().c_str());
}

}  // namespace

int run_genkey(const GenkeyFlags& flags) {
  const Signer key = fresh_key();
  const std::string public_hex = key.public_key().hex();
  if (flags.key_file) {
    if (Status status = write_secret_file(*flags.key_file, nsec(key.secret()) + "\n"); !status.ok()) {
      std::fprintf(stderr, "nostrp2p: %s\n", status.error().reason.c_str());
      return kExitFailure;
    }
  }
  if (flags.json) {
    std::string secret;
    if (!flags.key_file)
      secret = "\"nsec\":\"" + nsec(key.secret()) + "\",\"secret_key\":\"" + key.secret().hex() + "\",";
    std::printf("{%s\"npub\":\"%s\",\"public_key\":\"%s\"}\n", secret.c_str(), npub(key.public_key()).c_str(),
                public_hex.c_str());
  } else if (flags.key_file) {
    std::printf("Public Key:\n%s\nPublic key (In Hex Representation): \n%s\n", npub(key.public_key()).c_str(),
                public_hex.c_str());
  } else {
    print_as_original(key);
  }
  return 0;
}

}  // namespace np2p::real
