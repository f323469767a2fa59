"""Who signs a policy, what a signature does, and where the policy then stands: three closed vocabularies."""

from policies.vocabulary import Labelled


class Role(Labelled):
    """In which capacity a person signs a policy; four different people for one policy."""

    AUTHOR = "author", "起案者", "author"
    DATA_STEWARD = "data_steward", "データスチュワード", "data steward"
    COMPLIANCE_OFFICER = "compliance_officer", "コンプライアンス担当", "compliance officer"
    KEY_CUSTODIAN = "key_custodian", "鍵管理者", "key custodian"


class Act(Labelled):
    """What a signature does to a policy."""

    SUBMIT = "submit", "起案", "submits"
    REVIEW = "review", "確認", "reviews"
    APPROVE = "approve", "承認", "approves"
    SUSPEND = "suspend", "停止", "suspends"
    RESUME = "resume", "再開", "resumes"
    RETIRE = "retire", "廃止", "retires"


class PolicyStatus(Labelled):
    """Where a policy stands; only an active one runs."""

    DRAFT = "draft", "起案中", "draft"
    CHECKED = "checked", "検査済み", "checked"
    REVIEWED = "reviewed", "確認済み", "reviewed"
    APPROVED = "approved", "承認済み", "approved"
    ACTIVE = "active", "有効", "active"
    SUSPENDED = "suspended", "停止中", "suspended"
    RETIRED = "retired", "廃止", "retired"
