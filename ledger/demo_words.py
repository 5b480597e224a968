"""The names in the demo household's story, in English and in Chinese."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """The names of one telling of the story."""

    household: str
    mall: str
    line: str
    sofa: str
    flights: str
    bnpl: str
    washer: str
    headphones: str
    car_lender: str
    car: str
    bank: str
    mortgage: str
    phone_lender: str
    phone: str
    study_lender: str
    study: str
    pause: str
    old_lender: str
    old: str
    card: str
    wallet: str
    card_bank: str
    salary: str
    savings: str
    spare: str
    second_bank: str
    tutor: str
    fridge: str
    gym_lender: str
    gym: str
    scooter_lender: str
    scooter: str


ENGLISH = Words(
    household="The Lins",
    mall="Starlight Mall",
    line="Reserve credit",
    sofa="Sofa",
    flights="Flights home",
    bnpl="Lantern Pay",
    washer="Washing machine",
    headphones="Headphones",
    car_lender="Harbor Auto Finance",
    car="Family car",
    bank="Riverside Bank",
    mortgage="Apartment",
    phone_lender="Cedar Card",
    phone="Phone installments",
    study_lender="Hillside Education Fund",
    study="Evening course",
    pause="Paused after the storm",
    old_lender="Old Town Credit",
    old="Moving costs",
    card="Salary card",
    wallet="Wallet",
    card_bank="Riverside Bank",
    salary="Salary",
    savings="Savings card",
    spare="Spare card",
    second_bank="Clearwater Bank",
    tutor="Piano lessons",
    fridge="Refrigerator",
    gym_lender="Summit Fitness",
    gym="Gym membership",
    scooter_lender="Meadow Motors",
    scooter="Scooter",
)
CHINESE = Words(
    household="林家",
    mall="星光商城",
    line="备用金",
    sofa="沙发",
    flights="回家机票",
    bnpl="灯笼先享",
    washer="洗衣机",
    headphones="耳机",
    car_lender="海港汽车金融",
    car="家用车",
    bank="江畔银行",
    mortgage="自住房",
    phone_lender="雪松信用卡",
    phone="手机分期",
    study_lender="山坡助学基金",
    study="夜校课程",
    pause="台风后停息",
    old_lender="老城消费金融",
    old="搬家费用",
    card="工资卡",
    wallet="零钱",
    card_bank="江畔银行",
    salary="工资",
    savings="储蓄卡",
    spare="备用卡",
    second_bank="清水银行",
    tutor="钢琴课",
    fridge="冰箱",
    gym_lender="山顶健身",
    gym="健身年卡",
    scooter_lender="青禾车行",
    scooter="电动车",
)

HOUSEHOLDS: dict[str, tuple[str, Words]] = {  # by their owner's address: the language, and the story in it
    "demo@loantracker.example": ("en", ENGLISH),
    "demo-zh@loantracker.example": ("zh-hans", CHINESE),
}
