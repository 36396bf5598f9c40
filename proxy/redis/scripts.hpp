#pragma once
#include <array>
#include <string_view>

#include "redis/script.hpp"

/// The scripts that Redis runs: each touches the keys of one slot, and loops over nothing
/// unbounded. They are sent by their digests (EVALSHA); one that the server does not know is sent
/// whole.
namespace larder::redis::script {

/// Joins texts when the program is compiled.
template <const std::string_view&... parts>
class Joined {
    static constexpr auto make() {
        std::array<char, (parts.size() + ...)> text{};
        std::size_t at = 0;
        const auto add = [&](std::string_view part) {
            for (const char c : part) text[at++] = c;
        };
        (add(parts), ...);
        return text;
    }
    static constexpr auto text_ = make();

public:
    static constexpr std::string_view text{text_.data(), text_.size()};
};

/// A hold stands in the place of a guard or an id while writes are under way:
/// "held:[#COUNT,]TOKEN[,TOKEN...]". Each purge that leaves the hold of another write moves the
/// count on, so that a fetch that has seen the hold before that purge sees another one after it.
/// is_held: whether it is one. held_with: it with one more write, or a new one. held_without: what
/// is left of it when a write has ended, or after a purge that ends none (token ''); '' where
/// nothing is.
inline constexpr std::string_view held_part = R"(
local function is_held(value)
  return value ~= nil and string.sub(value, 1, 5) == 'held:'
end
local function held_by(value)
  return (string.gsub(string.sub(value, 6), '^#%d+,', ''))
end
local function held_anew(value, tokens)
  local count = tonumber(string.match(value, '^held:#(%d+),')) or 0
  return 'held:#' .. string.format('%d', count + 1) .. ',' .. tokens
end
local function held_with(value, token)
  if not is_held(value) then return 'held:' .. token end
  return string.find(value, token, 1, true) and value or held_anew(value, held_by(value) .. ',' .. token)
end
local function held_without(value, token)
  local rest = ''
  for other in string.gmatch(held_by(value), '[^,]+') do
    if other ~= token then rest = rest .. (rest == '' and '' or ',') .. other end
  end
  return rest == '' and '' or held_anew(value, rest)
end)";

/// An application may use the same Redis, so a key may hold something that is not larder's, of any
/// type. Such a key is left alone. own: the guard of what larder keeps at a key (a hash);
/// "held:..." while a write is under way; '' where a fill or a lock came too late, or the entry is
/// of a former release; nil: nothing is there, or somebody else's. The second value is true where a
/// fill has been there. Errors that say nothing about the type (no permission) end the script.
///
inline constexpr std::string_view own_part = R"(
local function own(key)
  local said = redis.pcall('HMGET', key, 'larder', 'larder:fill', 'lock')
  if said.err and string.sub(said.err, 1, 9) ~= 'WRONGTYPE' then said = redis.call('HMGET', key, 'larder', 'larder:fill', 'lock') end
  if said.err then return nil, false end
  local id = '^%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x'
  local guard = said[1] or ''
  if string.sub(guard, 1, 5) == 'held:' or string.find(guard, id .. '$') then return guard, said[2] ~= false end
  if string.find(guard, id .. ',') or (guard == '' and string.find((said[2] or '') .. ',', id .. ',')) then return '', true end
  if guard == '' and #(said[3] or '') >= 50 and string.find(said[3], id .. ':[%x-]+:%x+w?$') then return '', false end
  return nil, false
end)";

/// A guard may carry the lock of the fetch that has made it, in the hash's field `lock`:
/// "guard:digest:part", and "w" behind it where a request waits for its end. carried: that text; ''
/// where there is none. One that names another guard is none. take_off: removes it. given_up_at: so
/// many ms are left of its 5 s where its fetch has missed two prolongations in a row.
inline constexpr std::string_view carried_part = R"(
local given_up_at = 2000
local function carried(key)
  local said = redis.pcall('HMGET', key, 'larder', 'lock')
  local lock = not said.err and said[1] and said[2] or ''
  return string.sub(lock, 1, 16) == said[1] and lock or ''
end
local function take_off(key, ms)
  redis.pcall('HDEL', key, 'lock')
  redis.call('PEXPIRE', key, ms)
end)";

/// text_at: the text at a key, by GET or GETEX; nil where there is none.
inline constexpr std::string_view text_at_part = R"(
local function text_at(key, read)
  local text = redis.pcall(read, key)
  if type(text) == 'table' and string.sub(text.err, 1, 9) ~= 'WRONGTYPE' then text = redis.call(read, key) end
  return type(text) == 'string' and text or nil
end)";

/// own_id: the id at a key, of a tag or an extension: nil where it is missing or not
/// larder's; then the second value is true.
inline constexpr std::string_view own_id_part = R"(
local function own_id(key)
  local id = redis.pcall('GET', key)
  if not id then return nil end
  if type(id) == 'table' and string.sub(id.err, 1, 9) ~= 'WRONGTYPE' then id = redis.call('GET', key) end
  if type(id) ~= 'string' then return nil, true end
  if string.sub(id, 1, 5) == 'held:' or string.find(id .. ':', '^%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x%x:') then return id end
  return nil, true
end)";

/// free: deletes an id. A hold of another write stays: what it names is purged already, and must
/// not become valid before that write is over.
inline constexpr std::string_view free_part = R"(
local function free(key, token)
  local id = own_id(key)
  if not id then return '' end
  if not is_held(id) then redis.call('DEL', key) return id end
  local rest = held_without(id, token)
  if rest == '' then redis.call('DEL', key) else redis.pcall('SET', key, rest, 'KEEPTTL') end
  return ''
end)";

/// hold: puts a hold in the place of an id.
inline constexpr std::string_view hold_part = R"(
local function hold(key, token, ms)
  local id, foreign = own_id(key)
  if foreign then return '' end
  redis.call('SET', key, held_with(id, token), 'PX', ms)
  return is_held(id) and '' or id or ''
end)";

/// Guard and lock of a fetch, in one step. KEYS guard, lock, entry. ARGV new guard, guard ms, token
/// or '' (no lock wanted), lock ms, digest of the ids, the lock's value that is known to be dead or
/// '', the channel on which the end of a lock that is replaced is told, GETEX or GET, as for
/// `fill`, and the part of a guard's lock that this one is for. Returns {guard, 'none' | 'mine' |
/// 'theirs' | 'other' | 'u', soft mark of the entry, 1 where the entry is there, the lock, the type
/// of what somebody else keeps at the guard or the entry, or '', the guard that the entry's hash
/// names or ''}. A lock names the guard and the ids (their digest) it was taken under, so that
/// after a purge nobody waits for a fetch that began before it. 'other': the ids differ, so either
/// the lock or the caller's ids are from before a purge. While a write is under way the entry's
/// hash names a hold ("held:...", see hold_key), and nothing may be stored, so that nobody needs
/// the lock. A lock that is not larder's counts as no lock. A guard that carries a lock lives as
/// long as one, and only the lock's own fetch prolongs it, so that nobody waits for long for an
/// instance that is gone: another one takes the lock off where two prolongations in a row are
/// missing, and keeps the guard. Where the lock has its own key, "-" stands in the guard's field,
/// so that a plain try which has just made the guard does not get the lock too.
inline constexpr std::string_view lease_part = R"(
local function type_of(key)
  local kind = redis.pcall('TYPE', key)
  kind = kind.ok or 'none'
  return kind == 'none' and '' or kind
end
local function tell(text)
  if string.sub(text, 51) == 'w' then redis.pcall('PUBLISH', ARGV[7], 'f larder 0\n' .. KEYS[2]) end
end
local stands, filled = own(KEYS[3])
local guard = stands
local soft = ''
local held = ''
local function end_carried()
  take_off(KEYS[1], ARGV[2])
  if string.sub(held, 35, 50) == ARGV[9] then tell(held) end
  held = ''
end
if is_held(stands) then
  stands = ''
else
  if stands and stands ~= '' then soft = redis.call('HGET', KEYS[3], 'soft') or '' end
  guard = own(KEYS[1])
  if not guard and type_of(KEYS[1]) ~= '' then return {'', 'none', '', 0, '', type_of(KEYS[1]), ''} end
  if guard == '' then redis.call('DEL', KEYS[1]) end
  if not guard or guard == '' then
    guard = ARGV[1]
    redis.call('HSET', KEYS[1], 'larder', guard)
  end
  held = carried(KEYS[1])
  local left = redis.call('PTTL', KEYS[1])
  if held == '' then redis.call('PEXPIRE', KEYS[1], ARGV[2])
  elseif left >= 0 and left < given_up_at then end_carried()
  elseif left < 0 or left > tonumber(ARGV[4]) then redis.call('PEXPIRE', KEYS[1], ARGV[4]) end
  if string.sub(held, 35, 50) ~= ARGV[9] then held = '' end
end
local function is_dead(text)
  return ARGV[6] ~= '' and string.sub(text, 1, #ARGV[6]) == ARGV[6]
end
local lock = 'none'
if ARGV[3] ~= '' and not is_held(guard) then
  if is_dead(held) then end_carried() end
  if held == '' then held = text_at(KEYS[2], ARGV[8]) or '' end
  local ours = held == '' or is_held(held) or string.find(held, '^%x+:[%x-]+:[%xu]')
  local taken_under = string.sub(held, 1, 16)
  if not ours then
    held = ''
  elseif held ~= '' and not is_dead(held) and (taken_under == guard or taken_under == stands and soft == '') then
    if string.sub(held, 18, 33) ~= ARGV[5] then lock = 'other'
    elseif string.sub(held, 35) == 'u' then lock = 'u' else lock = 'theirs' end
  else
    local value = guard .. ':' .. ARGV[5] .. ':' .. ARGV[3]
    local got
    if held == '' then got = redis.call('SET', KEYS[2], value, 'PX', ARGV[4], 'NX')
    else got = redis.call('SET', KEYS[2], value, 'PX', ARGV[4]) end
    if got then
      lock = 'mine'
      redis.pcall('HSETNX', KEYS[1], 'lock', '-')
    end
    tell(held)
  end
end
if stands and stands ~= '' then
  return {guard, lock, soft, filled and 1 or 0, held, '', stands}
end
return {guard, lock, '', 0, held, stands and '' or type_of(KEYS[3]), ''})";
inline constexpr Script lease{
    Joined<held_part, own_part, carried_part, text_at_part, lease_part>::text};

/// The purge clock, made where it is missing: from the time in microseconds, beyond any value it
/// had. KEYS clock.
inline constexpr Script clock{R"(
local now = redis.call('GET', KEYS[1])
if not now then
  local t = redis.call('TIME')
  now = t[1] .. string.rep('0', 6 - #t[2]) .. t[2]
  redis.call('SET', KEYS[1], now)
end
return now)"};

/// Moves the purge clock on: to the time in microseconds, or by one where that is more. So a server
/// that has lost the last purges does not use a value that was used before. KEYS clock.
inline constexpr Script tick{R"(
local t = redis.call('TIME')
local now = t[1] .. string.rep('0', 6 - #t[2]) .. t[2]
local last = redis.call('GET', KEYS[1])
if last and tonumber(last) >= tonumber(now) then return tostring(redis.call('INCR', KEYS[1]) and redis.call('GET', KEYS[1])) end
redis.call('SET', KEYS[1], now)
return now)"};

/// Gives the lock that stands there, carried by the guard or under its own key
/// ("guard:digest:token"; "guard:digest:u" is none). KEYS lock, guard. ARGV the part that a lock in
/// the guard is for, and whether a request waits for its end and is to be told ("1"): then "w" is
/// put behind it.
inline constexpr std::string_view watch_lock_part = R"(
local held = carried(KEYS[2])
if string.sub(held, 35, 50) == ARGV[1] then
  if #held > 50 or ARGV[2] ~= '1' then return held end
  local marked = redis.pcall('HSET', KEYS[2], 'lock', held .. 'w')
  return type(marked) == 'number' and held .. 'w' or held
end
held = redis.call('GET', KEYS[1])
if held and ARGV[2] == '1' and #held == 50 and string.find(held, '^%x+:[%x-]+:%x+$') then
  local marked = redis.pcall('SET', KEYS[1], held .. 'w', 'KEEPTTL')
  if not marked.err then held = held .. 'w' end
end
return held)";
inline constexpr Script watch_lock{Joined<carried_part, watch_lock_part>::text};

/// unstage: removes what a fill has put into the hash of its guard. That may be another fetch's by
/// now, which keeps its guard and its lock. ms: that a guard lives, without and with a lock.
inline constexpr std::string_view unstage_part = R"(
local function unstage(key, guard, ms, locked_ms)
  local there = redis.pcall('HGET', key, 'larder')
  if type(there) ~= 'string' or there == guard then return redis.call('UNLINK', key) end
  local fields = redis.call('HKEYS', key)
  for _, field in ipairs(fields) do
    if field ~= 'larder' and field ~= 'lock' then redis.call('HDEL', key, field) end
  end
  redis.call('PEXPIRE', key, carried(key) == '' and ms or locked_ms)
end)";

/// The same for a fill that did not come to run its script. KEYS guard. ARGV guard, the fill's
/// name, ms that a guard lives, without and with a lock.
inline constexpr std::string_view clear_stage_part = R"(
local mark = redis.pcall('HGET', KEYS[1], 'larder:fill')
if type(mark) == 'string' and string.find(mark, ARGV[2], 1, true) then unstage(KEYS[1], ARGV[1], ARGV[3], ARGV[4]) end
return 1)";
inline constexpr Script clear_stage{Joined<carried_part, unstage_part, clear_stage_part>::text};

/// Stores one variant if no purge came since the lease. The hash that the entry is to be stands
/// under a name of its own (RedisKeys::stage, or the guard's), and is moved: Lua would look at each
/// byte of a value, for milliseconds where it is large, and nobody is served meanwhile. Only where
/// other variants stand under the same guard the fields are copied. What a purge has deleted is
/// never put back: the hash that is moved names the lease's guard, or the one that stands at the
/// entry. KEYS entry, guard, lock, stage. ARGV guard, own lock's token or '', the channel on which
/// the lock's end is told, names of fields that go where the key is there, a newline behind each;
/// GETEX or GET (redis/store_impl.hpp); ms that the entry lives, its soft mark at the lease, and ms
/// that a guard lives, without and with a lock. A guard that a fill has moved to the entry stands
/// until a soft purge marks that. The soft mark of an entry that is there stays. The lock's end is
/// told where somebody watches the lock, and where Redis has lost it, and with it who watches.
/// Returns 1; 0: purged meanwhile; 2: the key is not larder's; 3: nothing stands at the stage; 4:
/// the hash names a guard that was the entry's, and is not any more: to be sent again under the
/// lease's own, and the lock stays.
inline constexpr std::string_view fill_part = R"(
local function copy(staged, kept, gone, alone)
  local lives = redis.call('PTTL', KEYS[4])
  local values = redis.call('HMGET', KEYS[4], unpack(staged))
  local set = {}
  for i, field in ipairs(staged) do
    if values[i] then set[#set + 1] = field set[#set + 1] = values[i] end
  end
  redis.call('HSET', KEYS[1], unpack(set))
  if #gone > 0 then redis.call('HDEL', KEYS[1], unpack(gone)) end
  local excess = redis.call('HLEN', KEYS[1]) - 128
  if excess > 0 then
    local dropped = {}
    for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do
      if #dropped < excess and not kept[field] and string.sub(field, 1, 2) ~= 'b:' then
        dropped[#dropped + 1] = field
        if string.sub(field, 1, 2) == 'v:' then dropped[#dropped + 1] = 'b' .. string.sub(field, 2) end
      end
    end
    if #dropped > 0 then redis.call('HDEL', KEYS[1], unpack(dropped)) end
  end
  if alone or redis.call('PTTL', KEYS[1]) < lives then redis.call('PEXPIRE', KEYS[1], lives) end
end
local function put()
  if redis.call('EXISTS', KEYS[4]) == 0 then return 3 end
  local guard = redis.call('HGET', KEYS[4], 'larder')
  if not guard then
    guard = ARGV[1]
    redis.call('HSET', KEYS[4], 'larder', guard)
  end
  local stands = own(KEYS[1])
  if is_held(stands) then return 0 end
  if guard ~= ARGV[1] and guard ~= stands then return 4 end
  redis.pcall('HDEL', KEYS[4], 'lock')
  redis.call('PEXPIRE', KEYS[4], ARGV[6])
  local moved = redis.pcall('RENAMENX', KEYS[4], KEYS[1])
  if moved == 1 then return 1 end
  if not stands and (moved == 0 or redis.call('EXISTS', KEYS[1]) == 1) then return 2 end
  local staged = redis.call('HKEYS', KEYS[4])
  local kept = {larder = true, ['larder:fill'] = true, soft = true}
  local gone = {}
  local goes = {}
  for field in string.gmatch(ARGV[4] .. '\nlock', '[^\n]+') do gone[#gone + 1] = field goes[field] = true end
  for _, field in ipairs(staged) do kept[field] = true end
  local alone = true
  if stands == guard then
    local soft = redis.call('HGET', KEYS[1], 'soft')
    if soft then redis.call('HSET', KEYS[4], 'soft', soft) else redis.call('HDEL', KEYS[4], 'soft') end
    for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do alone = alone and (kept[field] or goes[field]) end
  end
  if alone and not redis.pcall('RENAME', KEYS[4], KEYS[1]).err then return 1 end
  if stands ~= guard then redis.call('DEL', KEYS[1]) end
  copy(staged, kept, gone, alone)
  redis.call('DEL', KEYS[4])
  return 1
end
local function guard_stands()
  if own(KEYS[2]) == ARGV[1] then return true end
  return own(KEYS[1]) == ARGV[1] and (redis.call('HGET', KEYS[1], 'soft') or '') == ARGV[7]
end
local lock = carried(KEYS[2])
local stored = 0
if guard_stands() then stored = put() end
if stored ~= 1 then
  if KEYS[4] == KEYS[2] then unstage(KEYS[4], ARGV[1], ARGV[8], ARGV[9]) else redis.call('UNLINK', KEYS[4]) end
end
if ARGV[2] == '' or stored == 4 then return stored end
local ours = string.sub(lock, 1, 16) == ARGV[2]
if ours then
  if carried(KEYS[2]) == lock then take_off(KEYS[2], ARGV[8]) end
else
  lock = text_at(KEYS[3], ARGV[5]) or ''
  ours = string.sub(lock, 35, 50) == ARGV[2]
  if ours then redis.call('DEL', KEYS[3]) end
end
if not ours or #lock > 50 then redis.pcall('PUBLISH', ARGV[3], 'f larder 0\n' .. KEYS[3]) end
return stored)";
inline constexpr Script fill{
    Joined<held_part, own_part, carried_part, text_at_part, unstage_part, fill_part>::text};

/// Gives a lock back, if it is still ours. A guard that has carried it stays for other fetches, and
/// lives as long as one without. KEYS lock, guard. ARGV token, 'u' (uncacheable: others are told
/// so) or '', ms of that, the channel on which the lock's end is told, as `fill` tells it, guard
/// ms.
inline constexpr std::string_view release_part = R"(
local lock = carried(KEYS[2])
local held = redis.pcall('GET', KEYS[1])
held = type(held) == 'string' and held or ''
local carries = string.sub(lock, 1, 16) == ARGV[1]
local own = string.sub(held, 35, 50) == ARGV[1]
if carries then take_off(KEYS[2], ARGV[5]) end
local kept = false
if ARGV[2] ~= '' and own then kept = redis.pcall('SET', KEYS[1], string.sub(held, 1, 34) .. ARGV[2], 'PX', ARGV[3])
elseif ARGV[2] ~= '' and carries then
  if string.find(held, '^%x+:[%x-]+:[%xu]') then redis.call('DEL', KEYS[1]) end
  redis.pcall('SET', KEYS[1], string.sub(lock, 1, 34) .. ARGV[2], 'PX', ARGV[3], 'NX')
end
if own and (not kept or kept.err) then redis.call('DEL', KEYS[1]) end
local watched = carries and #lock > 50 or own and #held > 50
if watched or not (own or carries) then redis.pcall('PUBLISH', ARGV[4], 'f larder 0\n' .. KEYS[1]) end
return (own or carries) and 1 or 0)";
inline constexpr Script release{Joined<carried_part, release_part>::text};

/// Where the own fetch of a lock in the guard has missed two prolongations in a row, another one
/// that needs the guard takes it off. KEYS guard, lock. ARGV guard, guard ms, own lock's token or
/// '', lock ms.
inline constexpr std::string_view prolong_part = R"(
if redis.pcall('HGET', KEYS[1], 'larder') == ARGV[1] then
  if carried(KEYS[1]) == '' then redis.call('PEXPIRE', KEYS[1], ARGV[2])
  elseif ARGV[3] == ARGV[1] then redis.call('PEXPIRE', KEYS[1], ARGV[4])
  elseif redis.call('PTTL', KEYS[1]) < given_up_at then take_off(KEYS[1], ARGV[2]) end
end
if ARGV[3] ~= '' then
  local held = redis.call('GET', KEYS[2])
  if held and string.sub(held, 35, 50) == ARGV[3] then redis.call('PEXPIRE', KEYS[2], ARGV[4]) end
end
return 1)";
inline constexpr Script prolong{Joined<carried_part, prolong_part>::text};

/// Makes an id outlive the entry filled under it. Writes rarely, because Redis tells every reader
/// of the id of each write. KEYS id. ARGV ms needed, ms to set, the id's unchanging part. Returns
/// {what stands there, ms it lives from now on; less than 0: nothing is known}. Another id, a hold,
/// and what is not larder's are not prolonged.
inline constexpr Script refresh{R"(
local id = redis.call('GET', KEYS[1])
if not id or string.sub(id, 1, #ARGV[3]) ~= ARGV[3] then return {id, -1} end
local left = redis.call('PTTL', KEYS[1])
if left >= 0 and left < tonumber(ARGV[1]) then
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
  left = tonumber(ARGV[2])
end
return {id, left})"};

/// Notes keys that were filled under an id. KEYS index. ARGV most members, ms needed, ms to set,
/// keys.
inline constexpr Script note{R"(
if redis.call('SCARD', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
redis.call('SADD', KEYS[1], unpack(ARGV, 4))
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[3]) end
return 1)"};

/// Removes an entry that was last filled under a dead id, or by one fill; one filled anew has
/// another mark. KEYS entry. ARGV id.
inline constexpr Script sweep{R"(
local mark = redis.pcall('HGET', KEYS[1], 'larder:fill')
if type(mark) == 'string' and string.find(mark, ARGV[1], 1, true) then return redis.call('UNLINK', KEYS[1]) end
return 0)"};

/// free_entry: deletes an entry or a guard. A hold of another write stays, as in `free`.
inline constexpr std::string_view free_entry_part = R"(
local function free_entry(key, token)
  local guard = own(key)
  if not guard then return 0 end
  if not is_held(guard) then return redis.call('UNLINK', key) end
  local rest = held_without(guard, token)
  if rest == '' then return redis.call('UNLINK', key) end
  redis.pcall('HSET', key, 'larder', rest)
  return 0
end)";

/// hold_entry: deletes an entry and puts a hold in the place of its guard.
inline constexpr std::string_view hold_entry_part = R"(
local function hold_entry(key, token, ms)
  local guard = own(key)
  if not guard and redis.call('EXISTS', key) == 1 then return 0 end
  if guard and not is_held(guard) then redis.call('UNLINK', key) end
  redis.call('HSET', key, 'larder', held_with(guard, token))
  redis.call('PEXPIRE', key, ms)
  return 1
end)";

/// Removes a key's entry, or its guard, where that is larder's. KEYS entry or guard. ARGV token of
/// the hold that ends with this purge, or ''.
inline constexpr std::string_view purge_entry_part = R"(
return free_entry(KEYS[1], ARGV[1]))";
inline constexpr Script purge_entry{
    Joined<held_part, own_part, free_entry_part, purge_entry_part>::text};

/// The part of `hold_key` that concerns the entry. KEYS entry. ARGV token, ms.
inline constexpr std::string_view hold_entry_alone_part = R"(
return hold_entry(KEYS[1], ARGV[1], ARGV[2]))";
inline constexpr Script hold_entry{
    Joined<held_part, own_part, hold_entry_part, hold_entry_alone_part>::text};

/// KEYS entry. ARGV new soft mark.
inline constexpr std::string_view soft_entry_part = R"(
local guard = own(KEYS[1])
if guard and not is_held(guard) then redis.call('HSET', KEYS[1], 'soft', ARGV[1]) end
return 1)";
inline constexpr Script soft_entry{Joined<held_part, own_part, soft_entry_part>::text};

/// Purges a key: its entry, where that is larder's, its guard, and the id of the keys that extend
/// it. KEYS entry, guard, extension id. ARGV token of the hold that ends with this purge, or ''.
/// Returns the id, or ''.
inline constexpr std::string_view purge_key_part = R"(
free_entry(KEYS[2], '')
free_entry(KEYS[1], ARGV[1])
return free(KEYS[3], ARGV[1]))";
inline constexpr Script purge_key{
    Joined<held_part, own_part, free_entry_part, own_id_part, free_part, purge_key_part>::text};

/// The same for a tag. KEYS tag. ARGV token or ''.
inline constexpr std::string_view purge_tag_part = R"(
return free(KEYS[1], ARGV[1]))";
inline constexpr Script purge_tag{Joined<held_part, own_id_part, free_part, purge_tag_part>::text};

/// Announces that a write is under way: purges the key and puts a hold in the place of its entry,
/// where a fill's RENAMENX finds it, and of its extensions' id; so nothing is found and nothing can
/// be stored. Done again, it renews the hold. When the time is over without a purge the hold
/// expires, and what it named is still purged. KEYS entry, guard, extension id. ARGV token, ms.
/// Returns the id that died, or ''.
inline constexpr std::string_view hold_key_part = R"(
free_entry(KEYS[2], '')
hold_entry(KEYS[1], ARGV[1], ARGV[2])
return hold(KEYS[3], ARGV[1], ARGV[2]))";
inline constexpr Script hold_key{Joined<held_part, own_part, free_entry_part, hold_entry_part,
                                        own_id_part, hold_part, hold_key_part>::text};

/// The same for a tag. KEYS tag. ARGV token, ms.
inline constexpr std::string_view hold_tag_part = R"(
return hold(KEYS[1], ARGV[1], ARGV[2]))";
inline constexpr Script hold_tag{Joined<held_part, own_id_part, hold_part, hold_tag_part>::text};

/// KEYS entry, guard, extension id. ARGV new soft mark. What began before must not store as fresh:
/// the guard is deleted, and one that a fill has moved to the entry ends with the mark there.
inline constexpr std::string_view soft_key_part = R"(
free_entry(KEYS[2], '')
local guard = own(KEYS[1])
if guard and not is_held(guard) then redis.call('HSET', KEYS[1], 'soft', ARGV[1]) end
local id = own_id(KEYS[3])
if id and string.sub(id, 1, 5) ~= 'held:' then redis.call('SET', KEYS[3], string.sub(id, 1, 16) .. ':' .. ARGV[1], 'KEEPTTL') end
return 1)";
inline constexpr Script soft_key{
    Joined<held_part, own_part, free_entry_part, own_id_part, soft_key_part>::text};

/// KEYS tag. ARGV new soft mark.
inline constexpr std::string_view soft_tag_part = R"(
local id = own_id(KEYS[1])
if id and string.sub(id, 1, 5) ~= 'held:' then redis.call('SET', KEYS[1], string.sub(id, 1, 16) .. ':' .. ARGV[1], 'KEEPTTL') end
return 1)";
inline constexpr Script soft_tag{Joined<own_id_part, soft_tag_part>::text};

/// own_mark: whether a response tag may be written or dropped: it is missing, or its value is
/// "clock:random[:soft]".
inline constexpr std::string_view own_mark_part = R"(
local function own_mark(key)
  local id = redis.pcall('GET', key)
  if type(id) == 'table' and string.sub(id.err, 1, 9) ~= 'WRONGTYPE' then id = redis.call('GET', key) end
  return not id or (type(id) == 'string' and string.find(id, '^%d+:%x+') ~= nil)
end)";

/// Marks a response tag as purged. KEYS response tag. ARGV its new value, ms.
inline constexpr std::string_view mark_response_tag_part = R"(
if own_mark(KEYS[1]) then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1)";
inline constexpr Script mark_response_tag{Joined<own_mark_part, mark_response_tag_part>::text};

/// KEYS response tag.
inline constexpr std::string_view drop_response_tag_part = R"(
if own_mark(KEYS[1]) then redis.call('UNLINK', KEYS[1]) end
return 1)";
inline constexpr Script drop_response_tag{Joined<own_mark_part, drop_response_tag_part>::text};

/// KEYS response tag. ARGV new soft mark ("clock-random"). The value is "clock:random[:soft]".
inline constexpr std::string_view soft_response_tag_part = R"(
local id = own_mark(KEYS[1]) and redis.call('GET', KEYS[1])
if id then
  local hard = string.match(id, '^[^:]*:[^:]*')
  if hard then redis.call('SET', KEYS[1], hard .. ':' .. ARGV[1], 'KEEPTTL') end
end
return 1)";
inline constexpr Script soft_response_tag{Joined<own_mark_part, soft_response_tag_part>::text};

/// Tells whether this is the server that the process met first in this round of connections, by a
/// value of its own. KEYS nonce. ARGV value, ms. Returns 'same', or 'new': it was not there, and is
/// now.
inline constexpr Script nonce{R"(
if redis.call('GET', KEYS[1]) == ARGV[1] then return 'same' end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 'new')"};

/// KEYS any. ARGV value: deletes the key if it holds it.
inline constexpr Script delete_if{R"(
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0)"};

}  // namespace larder::redis::script
