"""News agencies by the names that they sign with."""

from __future__ import annotations

import re

# The name as it is kept, then other names of the same agency.
_AGENCIES = """
AA: Anadolu, Anadolu Agency
AAP: Australian Associated Press
AFP: Agence France-Presse, Agence France Presse
Agência Brasil: Agencia Brasil
ANI: Asian News International
ANP
ANSA
Antara
AP: Associated Press, The Associated Press
APA
APP: Associated Press of Pakistan
Belga
Bernama
Bloomberg: Bloomberg News
BSS: Bangladesh Sangbad Sangstha
Canadian Press: The Canadian Press
CNS: China News Service
ČTK: CTK
dpa: Deutsche Presse-Agentur
DPA International
EFE: Agencia EFE
IANS: Indo-Asian News Service, IANS Live
Interfax
IRNA
Jiji Press: Jiji
KCNA
Keystone-SDA: SDA, Keystone-ATS
Kyodo: Kyodo News
Lusa
MENA
MTI
NAN: News Agency of Nigeria
NNA
NTB
PA: PA Media, Press Association, Press Association Media
PAP: Polska Agencja Prasowa
PTI: Press Trust of India
Reuters: Thomson Reuters
RIA Novosti: RIA
Ritzau
SANA
SPA: Saudi Press Agency
STT
TASS: ITAR-TASS, Itar-Tass
TT
UNB
UNI: United News of India
UPI: United Press International
WAM
Xinhua: Xinhua News Agency
Yonhap: Yonhap News Agency
Agencies: Agency, News agencies, Wire, Wires, Wire services
"""
_KEPT: dict[str, str] = {}
for _entry in _AGENCIES.strip().splitlines():
    _name, _, _others = _entry.partition(":")
    for _alias in (_name, *_others.split(",")):
        if _alias.strip():
            _KEPT[_alias.strip().casefold()] = _name.strip()


def agency_name(text: str) -> str | None:
    """The agency that ``text`` names, or several ("PTI/ANI"), parted by ", "; None if any part is not an agency."""
    parts = [part.strip(" .()[]") for part in re.split(r"[/,&+;]|\band\b", text)]
    parts = [part for part in parts if part]
    names = [_KEPT.get(part.casefold()) for part in parts]
    found = [name for name in names if name is not None]
    if not found or len(found) < len(names):
        return None
    return ", ".join(dict.fromkeys(found))
