#include "core/overlay/swarm/contact.h"

#include <algorithm>

#include "core/event/sha256.h"
#include "core/host/node_signature.h"
#include "core/overlay/swarm/bindings.h"
#include "core/wire/swarm_fields.h"

namespace np2p::swarm {
namespace {

constexpr std::string_view kTag = "np2p/contact/v1";
// The type of the record; a later form of a contact is another type.
constexpr std::uint8_t kContactVersion = static_cast<std::uint8_t>(RecordType::contact);

}  // namespace

Key directory_key(const PubKey& user) {
  return Key{sha256({bytes_of("np2p/directory/v1"), user.view()})};
}

ByteVec encode_contact(const Contact& contact, NodeKey& key, std::string_view network) {
  FieldWriter out;
  out.number(kContactVersion);
  out.fixed(contact.owner);
  out.fixed(contact.node);
  out.address(contact.listens);
  out.refs(contact.relays);
  out.coordinates(contact.at);
  out.number(contact.sequence);
  out.number(contact.expires);
  out.number(to_byte(contact.nat));
  const Signature signature = sign_as_node(key, kTag, network, out.out());
  out.fixed(signature);
  return out.out();
}

bool same_contact(ByteView a, ByteView b) noexcept {
  return a.size() == b.size() && a.size() >= Signature::size &&
         std::equal(a.begin(), a.end() - Signature::size, b.begin());
}

Result<Contact> decode_contact(ByteView record) {
  if (record.size() < Signature::size) return error(ErrorCode::malformed, "a contact without a signature");
  FieldReader in(record.first(record.size() - Signature::size));
  Contact contact;
  std::uint8_t version = 0;
  in.number(version);
  in.fixed(contact.owner);
  in.fixed(contact.node);
  in.address(contact.listens);
  in.refs(contact.relays);
  in.coordinates(contact.at);
  in.number(contact.sequence);
  in.number(contact.expires);
  std::uint8_t nat = 0;
  if (!in.at_end()) in.number(nat);  // what follows belongs to a later version
  contact.nat = nat_class_of(nat);
  if (!in.ok()) return error(ErrorCode::malformed, "a contact that does not parse");
  if (version != kContactVersion) return error(ErrorCode::wrong_version, "a contact of another version");
  if (contact.relays.size() > kHomeRelays) return error(ErrorCode::too_large, "a contact with too many relays");
  return contact;
}

Result<Contact> verify_contact(ByteView record, Verifier& verifier, std::string_view network) {
  auto contact = decode_contact(record);
  if (!contact.ok()) return contact;
  if (!ends_with_signature_of(contact->node, kTag, network, record, verifier)) {
    return error(ErrorCode::bad_signature, "a contact that its node did not sign");
  }
  return contact;
}

}  // namespace np2p::swarm
