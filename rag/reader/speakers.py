"""Invented people who speak in the news, each with a name, a role and where they work. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass

_FIRST = """Adam Agnes Aisha Alan Alice Amara Amir Amy Andrea Andrew Angela Anita Anton Arthur Astrid Barbara Beatriz
Ben Bettina Brian Bruno Carla Carol Cecilia Chen Chloe Claire Clara Colin Connor Dana Daniel Darius David Deborah Denise
Diego Dmitri Edith Elena Elif Elisa Emeka Emily Emma Eric Erika Esther Eva Fatima Felix Fiona Frank Gabriela Gareth
Gavin Gemma Gerald Gina Giulia Graham Greta Hannah Harold Hassan Heather Helen Henrik Hiroshi Hugo Ian Ibrahim Imran
Ines Ingrid Irene Isabel Ivan Jacob Jana Janet Jason Javier Jeff Jennifer Jill Joanna Jonas Jorge Judith Julia Karen
Karim Katya Keiko Kenji Kevin Kim Laila Lars Laura Leila Leo Lewis Linda Lisa Louise Luca Lucia Magnus Malik Marcus
Maria Marta Martin Matteo Megan Mei Michelle Miguel Mina Mira Monica Nadia Naomi Natalie Neil Nina Noah Nora Olga
Oliver Oscar Owen Paula Pedro Peter Petra Philip Priya Rachel Rafael Raj Ravi Rebecca Rita Robin Rosa Ruth Sabine
Samir Sandra Sanjay Sara Sarah Scott Sean Selma Simon Sofia Sonia Stefan Steve Sunita Susan Tanya Tara Teresa Theo
Thomas Tina Tobias Tom Tracy Ursula Valerie Vera Victor Vikram Wendy Yasmin Yuki Yusuf Zainab Zoe""".split()
_LAST = """Abara Abbott Achterberg Adeyemi Ahmed Albrecht Almeida Andersson Arslan Atkins Bailey Bakker Banerjee Barnes
Becker Bell Bennett Berger Bergström Bianchi Boateng Bradley Brandt Brennan Brooks Burke Callahan Campos Cardoso Carlin
Castillo Chandra Chaudhry Choi Clarke Cohen Coleman Conti Cooper Cruz Dalton Daniels Delgado Desai Dietrich Doyle Dubois
Duarte Eklund Ellis Eriksen Estrada Fairley Farouk Fernandes Fischer Fitzgerald Fletcher Fontaine Forsyth Foster Fraser
Fujita Gallagher Garner Gibbs Gomez Greenwood Gruber Gupta Haddad Hagen Halloran Hansen Harper Hartmann Hashimoto Hayes
Henning Herrera Hoffman Holloway Huang Hussain Ibanez Ito Iversen Jansen Jensen Joshi Kaplan Karlsson Kaur Keller
Kessler Khalil Kimura Klein Kowalski Kruger Kumar Lambert Larsen Laurent Lehmann Lindqvist Lopes Lowe Lundgren Madsen
Mahler Maier Malone Mancini Marchetti Mbeki McAllister McGrath McKenna Mehta Mendes Meyer Mills Molina Moreau Mukherjee
Murray Nakamura Navarro Nkosi Nolan Novak Nowak Obi Okafor Oliveira Olsen Ortega Osei Owens Park Patel Pereira Petersen
Petrov Pierce Pinto Powell Quinn Rahman Ramsey Rao Reyes Richter Rivera Romano Rossi Roth Rousseau Saito Salazar
Sandberg Santos Sato Schaefer Schneider Schulz Serrano Shah Sharma Sheridan Silva Singh Sokolov Sorensen Stein Stewart
Suzuki Takahashi Tanaka Thorne Torres Tran Tucker Vance Vargas Vasquez Vogel Volkov Wagner Walsh Watkins Weber Webster
Whitaker Winters Wolf Wong Woods Yamamoto Yang Yilmaz Zhang Ziegler Zimmerman""".split()
_STEMS = """Alder Amberley Ardent Ashford Aurelia Axiom Beacon Birchwood Blackmoor Brightwater Brookline Caldera
Calloway Cascade Cedarcrest Cobalt Copperfield Corvus Crestline Cygnet Deltaris Eastgate Elmhurst Emberly Everwell
Fairhaven Falcon Farrow Fenwick Firstlight Foxglove Granite Greystone Halcyon Harborview Hawthorn Helix Highfield
Horizon Ironwood Juniper Kestrel Keystone Lakeshore Larkspur Lumen Lynx Maplewood Meridian Montrose Nimbus Northwind
Novaris Oakmont Obsidian Orbis Osprey Palisade Peregrine Pinnacle Quantis Quillon Redwood Ridgeway Riverton Rosewood
Sablewood Saffron Silverline Solara Sterling Stonebridge Summit Sycamore Tamarack Tessera Thornbury Trident Umbra
Vantage Verity Vireo Westbrook Whitecap Willowbrook Windmere Wrenfield Zenith Zephyr""".split()
_KINDS = """Research/Capital/Partners/Group/Holdings/Foundation/Institute/University/Technologies/Systems/Securities/
Associates/Consulting/Industries/Energy/Media/Foods/Health/Bank/Airlines/Robotics/Insurance/Logistics/Records/Pharma/
Council/Trust/Analytics/Ventures/Studios""".replace("\n", "").split("/")
_TITLES = """chief executive/chief executive officer/CEO/chairman/chairwoman/chair/president/managing director/founder/
finance chief/chief financial officer/chief scientist/director/head/general manager/chief operating officer/
vice president/secretary general/chair and CEO/co-founder""".replace("\n", "").split("/")
_POSTS = """analyst at/economist at/researcher at/spokesman for/spokeswoman for/spokesperson for/lawyer at/
professor at/partner at/senior engineer at/portfolio manager at/strategist at/scientist at/fellow at/
executive at/consultant at/historian at/board member of/manager at""".replace("\n", "").split("/")
_OWNERS = """company agency group club university council museum union bank ministry city team firm hospital studio
institute foundation network publisher operator""".split()


@dataclass(frozen=True)
class Speaker:
    """`organisation` is None for one who belongs to what the passage is about ("the company's chairman")."""

    name: str
    role: str  # without an article: "chief executive", "analyst at"
    organisation: str | None

    @property
    def proper(self) -> str:
        """The names in it."""
        return f"{self.name} {self.organisation or ''}"

    @property
    def leads(self) -> bool:
        """Whether the role is one that an organisation with a name has one person for."""
        return self.organisation is not None and self.role not in _POSTS

    def introduced(self, rng: random.Random) -> tuple[str, bool]:
        """(name and role in one of several orders, whether a comma follows where the sentence goes on)."""
        if self.organisation is None:
            return rng.choice([(f"{self.role}, {self.name}", True), (f"{self.name}, {self.role}", True)])
        forms = [(f"{self.name}, {self._post}", True)]
        if self.leads:
            forms.append((f"{self.organisation} {self.role} {self.name}", False))
            forms.append((f"{self.organisation}'s {self.role}, {self.name}", True))
            forms.append((f"{self.name}, the {self.role} of {self.organisation}", True))
        else:
            forms.append((f"the {self.role.rsplit(' ', 1)[0]} {self.name}", False))
            forms.append((f"{self.organisation} {self.role.rsplit(' ', 1)[0]} {self.name}", False))
        return rng.choice(forms)

    @property
    def _post(self) -> str:
        if self.leads:
            return f"{self.role} of {self.organisation}"
        return f"{'an' if self.role[0] in 'aeiou' else 'a'} {self.role} {self.organisation}"


def outsider(rng: random.Random) -> Speaker:
    """Somebody from an organisation with a name."""
    return Speaker(_name(rng), rng.choice(_TITLES if rng.random() < 0.5 else _POSTS), organisation(rng))


def relation(rng: random.Random) -> Speaker:
    """Somebody from what the passage is about, which the role leaves unnamed."""
    owner, title = rng.choice(_OWNERS), rng.choice(_TITLES)
    return Speaker(_name(rng), f"the {owner}'s {title}", None)


def organisation(rng: random.Random) -> str:
    """The name of an organisation."""
    return rng.choice(_STEMS) + (f" {rng.choice(_KINDS)}" if rng.random() < 0.7 else "")


def _name(rng: random.Random) -> str:
    middle = f" {rng.choice('ABCDEFGHJKLMNPRSTW')}." if rng.random() < 0.04 else ""
    return f"{rng.choice(_FIRST)}{middle} {rng.choice(_LAST)}"
